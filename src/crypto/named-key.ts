import { MASK } from './mask.js';

/** `ohk_<id>_<secret>`: an id of 16 hexadecimal digits, and 256 bits in base64url. */
const FORM = 'ohk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})';
const WHOLE = new RegExp(`^${FORM}$`);
const ANYWHERE = new RegExp(FORM, 'g');

/** The parts of a named key; undefined for any other text. */
export function parseNamedKey(text: string): { id: string; secret: string } | undefined {
  const [, id, secret] = WHOLE.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** The text of a named key, for its owner only. */
export function formatNamedKey(id: string, secret: string): string {
  return `ohk_${id}_${secret}`;
}

/** Masks the secrets of named keys in a text. Their ids stay, so that people know which ones were there. */
export function maskNamedKeys(text: string): string {
  return text.includes('ohk_') ? text.replaceAll(ANYWHERE, `ohk_$1_${MASK}`) : text;
}
