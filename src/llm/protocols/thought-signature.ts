/** Between a call's id and the signature that Gemini wants back with it. The notation is LiteLLM's. */
const THOUGHT_SEPARATOR = '__thought__';

/** Adds a thought signature to the id of a tool call: it is the one field that lives as long as the call. */
export function withThoughtSignature(id: string, signature: string | undefined): string {
  return signature === undefined ? id : `${id}${THOUGHT_SEPARATOR}${signature}`;
}

/** The id of a tool call and the thought signature it carries, if any. */
export function splitThoughtSignature(id: string): { id: string; signature?: string } {
  const at = id.indexOf(THOUGHT_SEPARATOR);
  return at < 0 ? { id } : { id: id.slice(0, at), signature: id.slice(at + THOUGHT_SEPARATOR.length) };
}
