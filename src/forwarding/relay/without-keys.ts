/** Query parameters with keys of this server, which are not for whoever a request is passed on to. */
const KEYS = new Set(['session_api_key', 'x-session-api-key', 'authorization']);

/** A path and query without the parameters that hold keys. */
export function withoutKeys(target: string): string {
  const at = target.indexOf('?');
  if (at === -1) return target;
  const kept = target
    .slice(at + 1)
    .split('&')
    .filter((parameter) => !isKey(parameter));
  const rest = kept.join('&');
  return rest === '' ? target.slice(0, at) : `${target.slice(0, at)}?${rest}`;
}

function isKey(parameter: string): boolean {
  const [name = ''] = parameter.split('=');
  const spaced = name.replaceAll('+', ' ');
  try {
    return KEYS.has(decodeURIComponent(spaced).toLowerCase());
  } catch {
    return KEYS.has(spaced.toLowerCase());
  }
}
