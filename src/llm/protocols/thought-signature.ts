/**
 * Separates the id of a call from the signature that Gemini expects back with it. The notation is LiteLLM's.
 */
const THOUGHT_SEPARATOR = '__thought__';

/** Appends a thought signature to the id of a tool call, the one field that is kept as long as the call. */
export function withThoughtSignature(id: string, signature: string | undefined): string {
  return signature === undefined ? id : `${id}${THOUGHT_SEPARATOR}${signature}`;
}

/** Splits the id of a tool call from its thought signature, if any. */
export function splitThoughtSignature(id: string): { id: string; signature?: string } {
  const at = id.indexOf(THOUGHT_SEPARATOR);
  return at < 0 ? { id } : { id: id.slice(0, at), signature: id.slice(at + THOUGHT_SEPARATOR.length) };
}
