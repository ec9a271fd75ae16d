import { isBlank } from '../../crypto/index.js';
import { type FieldType, nullable, text } from '../../http/validation/field-type.js';

/**
 * A key or a password that may be absent; blank text counts as none, which no service takes. The mask stays.
 */
export function secretText(): FieldType {
  const type = nullable(text({ secret: true }));
  return { ...type, read: (raw) => (typeof raw === 'string' && raw.trim() === '' ? null : type.read(raw)) };
}

/** Whether a stored value is a key or a password, as opposed to null, blank text or the mask. */
export function hasSecret(value: unknown): value is string {
  return typeof value === 'string' && !isBlank(value);
}
