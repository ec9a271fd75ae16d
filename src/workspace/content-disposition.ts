/**
 * The header that makes an answer a download of a name. Whatever the name holds is encoded (RFC 8187), so
 * that it cannot end the header or begin another one.
 */
export function contentDisposition(name: string): string {
  const encoded = percentEncoded(name);
  return encoded === name ? `attachment; filename="${name}"` : `attachment; filename*=utf-8''${encoded}`;
}

/** A text as a header can hold it: all but letters, digits and `-._~` in percent signs. */
export function percentEncoded(text: string): string {
  const rest = /[!'()*]/g;
  return encodeURIComponent(text.toWellFormed()).replace(
    rest,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
