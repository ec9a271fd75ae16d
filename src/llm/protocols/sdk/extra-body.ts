import { isJsonObject, type JsonObject } from '../../../json/index.js';

/**
 * A `fetch` that merges the config's extra fields into each request body. Fields that are objects on both
 * sides are merged, so that one part of `generationConfig` does not remove the others.
 */
export function withExtraBody(send: typeof fetch, extra: JsonObject): typeof fetch {
  if (Object.keys(extra).length === 0) return send;
  return (input, init) => {
    const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined;
    if (!isJsonObject(body)) return send(input, init);
    return send(input, { ...init, body: JSON.stringify(merged(body, extra)) });
  };
}

function merged(body: JsonObject, extra: JsonObject): JsonObject {
  const fields = Object.entries(extra).map(([name, value]) => {
    const known = body[name];
    return [name, isJsonObject(known) && isJsonObject(value) ? { ...known, ...value } : value] as const;
  });
  return { ...body, ...Object.fromEntries(fields) };
}
