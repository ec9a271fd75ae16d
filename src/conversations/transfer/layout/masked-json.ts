import { isToken, MASK, maskLooseSecrets } from '../../../crypto/index.js';

/** Keys of credentials, whose string values are always masked. */
const SECRET_KEYS =
  /^(api_key|llm_api_key|aws_access_key_id|aws_secret_access_key|aws_session_token|client_secret|password|(access|refresh|auth)_token)$/;
/** Lines that do not match need not be parsed. */
const MAY_HOLD_SECRETS =
  /gAAAAA|api_key|access_key|_token|client_secret|password|"key": ?"(agent|full_state|secrets|secret_registry|workspace)"/;

/** What an export shows of secrets. */
export interface Masking {
  /** Converts a line of JSON. */
  line: (line: string) => string;
  /** Converts a JSON document. */
  document: (text: string) => string;
}

/** For programs that keep secrets: documents are sealed before, and events have none. */
export const UNMASKED: Masking = { line: (line) => line, document: (text) => text };

/** For people. @param mask masks the secrets that the server knows */
export function masked(mask: (text: string) => string): Masking {
  return { line: (line) => maskedLine(line, mask), document: (text) => maskedJson(text, mask) };
}

/** Masks the secrets in a line of JSON. */
function maskedLine(line: string, mask: (text: string) => string): string {
  return mask(MAY_HOLD_SECRETS.test(line) ? withMasks(line, 0) : line);
}

/** Masks the secrets in a JSON document and indents it. Invalid JSON is replaced by a note. */
function maskedJson(text: string, mask: (text: string) => string): string {
  return mask(withMasks(text, 2));
}

function withMasks(text: string, indent: number): string {
  try {
    const value: unknown = JSON.parse(text, (key, item: unknown) => {
      if (typeof item !== 'string') return item;
      return isToken(item) || (item !== '' && SECRET_KEYS.test(key)) ? MASK : item;
    });
    return JSON.stringify(maskLooseSecrets(value), undefined, indent);
  } catch {
    return JSON.stringify({ note: 'This was no JSON, so it was left out.' });
  }
}
