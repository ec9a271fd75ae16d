import { problemsOf, readDto, toPlain } from '../http/validation/dto.js';
import type { DtoClass } from '../http/validation/field.js';
import type { Location, Problem } from '../http/validation/problem.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../json/index.js';

/** A text, or null for anything else. */
export function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A JSON merge patch (RFC 7386) at every level: null removes. */
export function mergePatch(base: unknown, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(asJsonObject(base)));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, isJsonObject(value) ? mergePatch(merged.get(name), value) : value);
  }
  return Object.fromEntries(merged);
}

/** The same below the first level, where null is a value. */
export function mergeBelow(base: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(patch)) {
    merged.set(name, isJsonObject(value) ? mergePatch(merged.get(name), value) : value);
  }
  return Object.fromEntries(merged);
}

/**
 * An object with all fields of a class, those that are missing with their defaults; other fields are left
 * out.
 * @param passed problems that do not count
 * @returns undefined where a field is not valid
 */
export function completed(
  dto: DtoClass,
  value: JsonObject,
  passed: (problem: Problem) => boolean = () => false,
): JsonObject | undefined {
  const instance = readDto(dto, value);
  if (problemsOf(instance).some((problem) => !passed(problem))) return undefined;
  // Defaults that are objects of a class become plain ones, too.
  const plain: unknown = JSON.parse(JSON.stringify(toPlain(instance)));
  return asJsonObject(plain);
}

/** Whether there is something in a place of a value. */
export function has(value: unknown, place: Location): boolean {
  let at = value;
  for (const key of place) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false;
    at = Reflect.get(at, key);
  }
  return true;
}

/**
 * What a newer program has stored beside the fields that are known here: it stays, also in the objects named.
 */
export function withUnknown(
  known: JsonObject,
  stored: JsonObject,
  nested: readonly string[] = [],
): JsonObject {
  const kept = Object.entries(known).map(([name, value]) => {
    const before = stored[name];
    const isNested = nested.includes(name) && isJsonObject(value) && isJsonObject(before);
    return [name, isNested ? withUnknown(value, before) : value] as const;
  });
  const more = Object.entries(stored).filter(([name]) => !Object.hasOwn(known, name));
  return Object.fromEntries([...kept, ...more]);
}
