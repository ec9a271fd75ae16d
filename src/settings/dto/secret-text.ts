import { isBlank } from '../../crypto/index.js';
import { type FieldType, nullable, text } from '../../http/index.js';

/**
 * A nullable key or password. Blank text becomes null; the mask is kept.
 */
export function secretText(): FieldType {
  const type = nullable(text({ secret: true }));
  return { ...type, read: (raw) => (typeof raw === 'string' && raw.trim() === '' ? null : type.read(raw)) };
}

/** Whether a stored value is a real key or password, not null, blank or the mask. */
export function hasSecret(value: unknown): value is string {
  return typeof value === 'string' && !isBlank(value);
}
