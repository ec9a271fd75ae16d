/**
 * The wait that the provider requests, in seconds: `retry-after-ms` (OpenAI), `retry-after` in seconds or as
 * a date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after), or Google's `RetryInfo` in the body
 * (https://cloud.google.com/apis/design/errors). Undefined if there is none.
 * @param thrown an error of the AI SDK
 */
export function retryAfterSeconds(thrown: Error, body: string | undefined): number | undefined {
  const headers = lowerCased('responseHeaders' in thrown ? thrown.responseHeaders : undefined);
  const wait =
    seconds(headers.get('retry-after-ms'), 1000) ??
    seconds(headers.get('retry-after'), 1) ??
    untilDate(headers.get('retry-after')) ??
    seconds(/"retryDelay"\s*:\s*"([\d.]{1,12})s"/.exec(body ?? '')?.[1], 1);
  return wait === undefined ? undefined : Math.max(wait, 0);
}

function lowerCased(headers: unknown): Map<string, string> {
  if (typeof headers !== 'object' || headers === null) return new Map();
  return new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function seconds(text: string | undefined, units: number): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) / units : undefined;
}

function untilDate(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : (time - Date.now()) / 1000;
}
