/** A JSON object. Its values are unchecked. */
export type JsonObject = Record<string, unknown>;

/** Whether a value is a JSON object, as opposed to an array, null or a scalar. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value if it is a JSON object, otherwise an empty one. */
export function asJsonObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** A value if it is a text, otherwise null. */
export function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
