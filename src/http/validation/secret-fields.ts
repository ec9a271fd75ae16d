import { isJsonObject } from '../../json/index.js';
import { type DtoClass, fieldsOf } from './field.js';
import { redacted } from './field-type.js';

const known = new WeakMap<DtoClass, boolean>();
/** Classes that are being inspected, to end the recursion of classes that refer to themselves. */
const visiting = new Set<DtoClass>();

/** Whether a DTO or a nested one has secret fields. Other input in its place may be a secret, too. */
export function hasSecrets(dto: DtoClass): boolean {
  const found = known.get(dto);
  if (found !== undefined) return found;
  if (visiting.has(dto)) return false;
  const isFirst = visiting.size === 0;
  visiting.add(dto);
  const answer = [...fieldsOf(dto).values()].some(({ type }) => type.holdsSecrets?.() === true);
  if (isFirst || answer) known.set(dto, answer);
  if (isFirst) visiting.clear();
  return answer;
}

/** The source of a DTO for error answers: input for secret fields is redacted, whatever its type. */
export function withoutSecrets(dto: DtoClass, source: Record<string, unknown>): Record<string, unknown> {
  if (!hasSecrets(dto)) return source;
  const shown = new Map(Object.entries(source));
  for (const [name, { type }] of fieldsOf(dto))
    if (type.shown !== undefined && shown.has(name)) shown.set(name, type.shown(shown.get(name)));
  return Object.fromEntries(shown);
}

/** The same for input that should be an object of one of these classes; other input is redacted. */
export function shownAs(dtos: readonly DtoClass[], raw: unknown): unknown {
  if (!dtos.some(hasSecrets)) return raw;
  if (!isJsonObject(raw)) return redacted(raw);
  return dtos.reduce((shown, dto) => withoutSecrets(dto, shown), raw);
}
