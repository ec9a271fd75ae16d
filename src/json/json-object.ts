/** A JSON object. Its values are unchecked. */
export type JsonObject = Record<string, unknown>;

/** Whether a value is a JSON object, as opposed to an array, null or a scalar. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as a JSON object; anything else counts as an empty one. */
export function asJsonObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
