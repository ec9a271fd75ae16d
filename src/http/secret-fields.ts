import { type DtoClass, fieldsOf } from './field.js';
import { isJsonObject } from './field-type.js';

/** Stands for a secret where an answer tells what was sent. */
export const HIDDEN = '<redacted>';

/** Whether a DTO has fields for secrets: then what is sent in its place may be one. */
export function hasSecrets(dto: DtoClass): boolean {
  return [...fieldsOf(dto).values()].some(({ type }) => type.secret !== undefined);
}

/** What a DTO is read from, for messages: without what was sent in fields for secrets, of whatever type it is. */
export function withoutSecrets(dto: DtoClass, source: Record<string, unknown>): Record<string, unknown> {
  if (!hasSecrets(dto)) return source;
  const shown = new Map(Object.entries(source));
  for (const [name, { type }] of fieldsOf(dto)) {
    const given = shown.get(name) ?? null;
    if (given === null || type.secret === undefined) continue;
    if (type.secret === 'always' || !isJsonObject(given)) shown.set(name, HIDDEN);
  }
  return Object.fromEntries(shown);
}
