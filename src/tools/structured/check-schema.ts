import { isJsonObject, type JsonObject } from '../../json/index.js';
import {
  IN_PLACE_KEYWORDS,
  LIST_KEYWORDS,
  MAP_KEYWORDS,
  pointerOf,
  pointerPart,
  SCHEMA_KEYWORDS,
  type Schema,
} from './keywords.js';
import { assertionProblem, isAssertion, patternProblem, quoted } from './keyword-values.js';
import { ResponseSchemaError } from './schema-error.js';

/** The largest schema (characters of JSON). It is sent to the model with every request. */
const MAX_TEXT = 65_536;
/** Levels of schemas within schemas. */
const MAX_DEPTH = 32;

/** A schema whose form is valid, reduced to what validation reads. */
export interface CheckedSchema {
  schema: JsonObject;
  /** The schema that each `$ref` refers to, by its text. */
  references: Readonly<Record<string, Schema>>;
}

/**
 * Checks the form of a JSON schema of a client: size, depth, the values of all keywords, and that references
 * lead somewhere and end. Keywords that do not matter for validation, such as `format` and `title`, are left
 * out of the result, unknown ones too.
 * @throws ResponseSchemaError
 */
export function checkSchema(source: JsonObject): CheckedSchema {
  const size = JSON.stringify(source).length;
  if (size > MAX_TEXT)
    throw new ResponseSchemaError(
      `response_schema is too large: ${size} characters, ${MAX_TEXT} are the limit`,
    );
  return new SchemaCheck().run(source);
}

class SchemaCheck {
  /** All schemas by their JSON pointers. */
  private readonly schemas = new Map<string, Schema>();
  private readonly referring: { schema: JsonObject; reference: string; pointer: string }[] = [];
  /** The schemas that each schema applies to the same value. */
  private readonly applied = new Map<Schema, Schema[]>();

  run(source: JsonObject): CheckedSchema {
    const schema = this.reduced(source, '', 0);
    const references: Record<string, Schema> = {};
    for (const { schema: from, reference, pointer } of this.referring) {
      const target = this.schemas.get(pointerOf(reference));
      if (target === undefined)
        fail(
          pointer,
          `there is no schema at ${quoted(reference)}; only references to parts of it (#/…) work`,
        );
      references[reference] = target;
      this.applied.get(from)?.push(target);
    }
    this.assertEnds();
    return { schema, references };
  }

  private visit(source: unknown, pointer: string, depth: number): Schema {
    if (depth > MAX_DEPTH) fail(pointer, `nested more than ${MAX_DEPTH} levels deep`);
    if (typeof source === 'boolean') {
      this.schemas.set(pointer, source);
      return source;
    }
    if (!isJsonObject(source)) return fail(pointer, `${quoted(source)} is not a schema`);
    return this.reduced(source, pointer, depth);
  }

  /** The schema with the keywords that matter for validation. */
  private reduced(source: JsonObject, pointer: string, depth: number): JsonObject {
    const schema: JsonObject = {};
    this.schemas.set(pointer, schema);
    this.applied.set(schema, []);
    for (const [keyword, value] of Object.entries(source)) {
      const at = `${pointer}/${pointerPart(keyword)}`;
      const kept = this.keyword(schema, keyword, value, { at, depth: depth + 1 });
      if (kept !== undefined) schema[keyword] = kept;
    }
    return schema;
  }

  /** The value of a keyword for validation; undefined if the keyword does not matter. */
  private keyword(
    schema: JsonObject,
    keyword: string,
    value: unknown,
    { at, depth }: { at: string; depth: number },
  ): unknown {
    if (keyword === '$ref') return this.reference(schema, value, at);
    if (keyword === '$dynamicRef') fail(at, 'dynamic references are not supported');
    if (SCHEMA_KEYWORDS.includes(keyword))
      return this.subschema(schema, keyword, this.visit(value, at, depth));
    if (LIST_KEYWORDS.includes(keyword)) {
      if (!Array.isArray(value) || value.length === 0) fail(at, `${quoted(value)} is not a list of schemas`);
      const items: unknown[] = value;
      return items.map((item, index) =>
        this.subschema(schema, keyword, this.visit(item, `${at}/${index}`, depth)),
      );
    }
    if (MAP_KEYWORDS.includes(keyword)) {
      if (!isJsonObject(value)) fail(at, `${quoted(value)} is not an object with schemas`);
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => {
          const problem = keyword === 'patternProperties' ? patternProblem(name) : undefined;
          if (problem !== undefined) fail(at, problem);
          const found = this.visit(item, `${at}/${pointerPart(name)}`, depth);
          return [name, this.subschema(schema, keyword, found)];
        }),
      );
    }
    if (!isAssertion(keyword)) return undefined;
    const problem = assertionProblem(keyword, value);
    if (problem !== undefined) fail(at, problem);
    return value;
  }

  private reference(schema: JsonObject, reference: unknown, pointer: string): unknown {
    if (typeof reference !== 'string' || !reference.startsWith('#'))
      return fail(pointer, `${quoted(reference)} is not a reference to a part of the schema (#/…)`);
    this.referring.push({ schema, reference, pointer });
    return reference;
  }

  private subschema(schema: JsonObject, keyword: string, found: Schema): Schema {
    if (IN_PLACE_KEYWORDS.has(keyword)) this.applied.get(schema)?.push(found);
    return found;
  }

  /** @throws ResponseSchemaError if a schema applies itself to the same value, which would never end */
  private assertEnds(): void {
    const finished = new Set<Schema>();
    const open = new Set<Schema>();
    const visit = (schema: Schema): void => {
      if (finished.has(schema)) return;
      if (open.has(schema)) throw new ResponseSchemaError('Invalid response_schema: a $ref refers to itself');
      open.add(schema);
      for (const next of this.applied.get(schema) ?? []) visit(next);
      open.delete(schema);
      finished.add(schema);
    };
    for (const schema of this.applied.keys()) visit(schema);
  }
}

function fail(pointer: string, problem: string): never {
  throw new ResponseSchemaError(`Invalid response_schema: ${problem} (at ${pointer === '' ? '/' : pointer})`);
}
