import { isSecretName } from '../crypto/redact.js';

/** Enough to recognise a request; the rest of a longer URL is left out. */
const MAX_LENGTH = 1000;

/** A request's URL for the log: values of parameters that are named like secrets are `<redacted>`. */
export function loggableUrl(url: string): string {
  const mark = url.indexOf('?');
  const shown = mark === -1 ? url : `${url.slice(0, mark)}?${loggableQuery(url.slice(mark + 1))}`;
  return shown.length <= MAX_LENGTH ? shown : `${shown.slice(0, MAX_LENGTH)}...`;
}

/** Splits as readers of queries do, and shows everything else as it came. */
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

/** A name may hide behind escapes; one that cannot be read is shown as it is. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    // `%zz` is no escape, but the rest of the name may still be escaped.
    return name.replaceAll(/%[0-7][\da-f]/gi, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16)));
  }
}
