import { problemsOf, readDto, toPlain, type DtoClass, type Location, type Problem } from '../http/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../json/index.js';

/** Applies a JSON merge patch (RFC 7386): null removes a field. */
export function mergePatch(base: unknown, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(asJsonObject(base)));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, isJsonObject(value) ? mergePatch(merged.get(name), value) : value);
  }
  return Object.fromEntries(merged);
}

/** Like `mergePatch`, but on the first level null is stored as a value. */
export function mergeBelow(base: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(patch)) {
    merged.set(name, isJsonObject(value) ? mergePatch(merged.get(name), value) : value);
  }
  return Object.fromEntries(merged);
}

/**
 * Fills in the defaults of a DTO class. Fields that the class does not declare are left out.
 * @param isIgnored problems that are accepted
 * @returns undefined when a field is not valid
 */
export function completed(
  dto: DtoClass,
  value: JsonObject,
  isIgnored: (problem: Problem) => boolean = () => false,
): JsonObject | undefined {
  const instance = readDto(dto, value);
  if (problemsOf(instance).some((problem) => !isIgnored(problem))) return undefined;
  // Defaults may be class instances: this makes them plain objects, too.
  const plain: unknown = JSON.parse(JSON.stringify(toPlain(instance)));
  return asJsonObject(plain);
}

/** Whether a path exists in a value. */
export function hasPath(value: unknown, path: Location): boolean {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return false;
    current = Reflect.get(current, key);
  }
  return true;
}

/**
 * Adds the stored fields that this server does not know: a newer program may have written them.
 * @param nested fields whose objects are treated the same way
 */
export function withUnknown(
  known: JsonObject,
  stored: JsonObject,
  nested: readonly string[] = [],
): JsonObject {
  const merged = Object.entries(known).map(([name, value]) => {
    const before = stored[name];
    const isNested = nested.includes(name) && isJsonObject(value) && isJsonObject(before);
    return [name, isNested ? withUnknown(value, before) : value] as const;
  });
  const unknown = Object.entries(stored).filter(([name]) => !Object.hasOwn(known, name));
  return Object.fromEntries([...merged, ...unknown]);
}
