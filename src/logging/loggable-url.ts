import { isSecretName } from '../crypto/index.js';

/** Longer URLs are truncated (characters). */
const MAX_LENGTH = 1000;

/** The URL of a request for the log: values of parameters with secret names are `<redacted>`. */
export function loggableUrl(url: string): string {
  const mark = url.indexOf('?');
  const shown = mark === -1 ? url : `${url.slice(0, mark)}?${loggableQuery(url.slice(mark + 1))}`;
  return shown.length <= MAX_LENGTH ? shown : `${shown.slice(0, MAX_LENGTH)}...`;
}

/** Redacts the values of a query and leaves the rest unchanged. */
function loggableQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const end = pair.indexOf('=');
      if (end === -1) return pair;
      const name = pair.slice(0, end);
      return isSecretName(decoded(name)) ? `${name}=<redacted>` : pair;
    })
    .join('&');
}

/** Decodes the escapes of a name, as far as they are valid. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    // `%zz` is not an escape, but the rest of the name may be escaped.
    return name.replaceAll(/%[0-7][\da-f]/gi, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16)));
  }
}
