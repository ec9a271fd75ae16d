import { createHash } from 'node:crypto';

/**
 * A UUID of version 8 (RFC 9562) that is always the same for a name.
 * @param variant the digit of the variant: ids that were derived with one must keep it
 */
export function stableUuid(name: string, variant: '8' | 'a' = 'a'): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
