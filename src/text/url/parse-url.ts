/**
 * Parses a URL, absolute or relative to a base.
 *
 * `URL.canParse` of Node 20 refuses every text with a character of 128 to 255, such as
 * `https://bücher.example`, once V8 has compiled its caller (seen with 20.20.2, not with 24). That is why
 * this catches the exception.
 * @returns undefined when the text is no URL
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** Whether a text is a URL with the scheme `http` or `https`. */
export function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(parseUrl(text)?.protocol ?? '');
}

/** Whether a text is an http or https URL with nothing but a host and a port. */
export function isHostUrl(text: string): boolean {
  const url = isHttpUrl(text) ? parseUrl(text) : undefined;
  return url?.href === `${url?.origin}/` && !/[?#]/.test(text);
}

/** Decodes `%XX` in a part of a URL; text with invalid escapes is returned unchanged. */
export function decodeUrlPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
