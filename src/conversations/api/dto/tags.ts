import { recordOf, text } from '../../../http/index.js';

const MAX_VALUE_LENGTH = 256;

/** Tags of a conversation: lower-case alphanumeric keys, values of limited length. */
export const tags = recordOf(text(), { check: checkTags });

function checkTags(entries: [string, unknown][]): string | undefined {
  for (const [key, value] of entries) {
    if (!/^[a-z0-9]+$/.test(key)) {
      return `Tag key '${key.slice(0, MAX_VALUE_LENGTH)}' is invalid: keys must be lowercase alphanumeric only`;
    }
    if (String(value).length > MAX_VALUE_LENGTH) {
      return `Tag value for '${key}' exceeds maximum length of ${MAX_VALUE_LENGTH} characters`;
    }
  }
  return undefined;
}
