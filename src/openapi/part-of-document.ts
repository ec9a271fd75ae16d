import { isJsonObject, type JsonObject } from '../json/index.js';

const SCHEMA = '#/components/schemas/';

/** The operations of a document below a path, with the schemas that they need. */
export function partOfDocument(document: JsonObject, prefix: string): JsonObject {
  const { paths, components } = document;
  const own = Object.entries(isJsonObject(paths) ? paths : {}).filter(([path]) => path.startsWith(prefix));
  const { schemas, ...others } = isJsonObject(components) ? components : {};
  const all = isJsonObject(schemas) ? schemas : {};
  const needed = new Set<string>();
  collect(own, all, needed);
  const kept = Object.entries(all).filter(([name]) => needed.has(name));
  return {
    ...document,
    tags: undefined,
    paths: Object.fromEntries(own),
    components: { ...others, schemas: Object.fromEntries(kept) },
  };
}

/** Adds the names of the schemas that a value refers to, also through others. */
function collect(value: unknown, schemas: JsonObject, needed: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, schemas, needed);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [name, item] of Object.entries(value)) {
    const target = name === '$ref' && typeof item === 'string' && item.startsWith(SCHEMA) ? item : undefined;
    const schema = target?.slice(SCHEMA.length);
    if (schema === undefined) collect(item, schemas, needed);
    else if (!needed.has(schema)) {
      needed.add(schema);
      collect(schemas[schema], schemas, needed);
    }
  }
}
