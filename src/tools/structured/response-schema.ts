import { validate } from '@cfworker/json-schema';
import { runWithin, TimeLimitError } from '../../flow/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { pythonRepr } from '../../text/index.js';
import { checkSchema, type CheckedSchema } from './check-schema.js';
import { expandReferences } from './expand-references.js';
import { ResponseSchemaError } from './schema-error.js';
import { validationMessage } from './validation-message.js';

/** How long the validation of one call may take (ms): a pattern of a client may backtrack without end. */
const LIMIT_MS = 250;

/** Names that calls of any tool use for something else. */
const RESERVED = new Set(['kind', 'security_risk', 'structured_output', 'summary']);

/** Keywords that a schema may have at its top, where they describe the fields of a call. */
const TOP_LEVEL = new Set([
  '$anchor',
  '$comment',
  '$defs',
  '$dynamicAnchor',
  '$id',
  '$schema',
  '$vocabulary',
  'additionalProperties',
  'default',
  'deprecated',
  'description',
  'examples',
  'properties',
  'readOnly',
  'required',
  'title',
  'type',
  'writeOnly',
]);

/** What a client wants to know with each call of a tool, beside the arguments of the tool. */
export class ResponseSchema {
  /** Schemas of the fields as models are sent them, by name. */
  readonly properties: JsonObject;
  readonly required: readonly string[];
  /** The schema refuses other fields. */
  readonly isClosed: boolean;
  private readonly checked: CheckedSchema;

  /** @throws ResponseSchemaError */
  constructor(source: unknown) {
    if (!isJsonObject(source)) throw new ResponseSchemaError('response_schema must be a JSON Schema');
    this.checked = checkSchema(source);
    const { type, properties, required = [], additionalProperties } = source;
    if (type !== 'object') throw new ResponseSchemaError('response_schema must describe a JSON object');
    const fields = isJsonObject(properties) ? Object.keys(properties) : [];
    if (fields.length === 0) throw new ResponseSchemaError('response_schema must define named properties');
    refuse(
      Object.keys(source).filter((keyword) => !TOP_LEVEL.has(keyword)),
      (names) => `response_schema has unsupported top-level keywords: ${names}`,
    );
    if (additionalProperties !== undefined && additionalProperties !== false) {
      const problem = 'response_schema does not support dynamic fields via additionalProperties';
      throw new ResponseSchemaError(problem);
    }
    this.required = Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
    refuse(
      this.required.filter((name) => !fields.includes(name)),
      (names) => `response_schema required fields ${names} must be named properties`,
    );
    refuse(
      fields.filter((name) => RESERVED.has(name)),
      (names) => `response_schema fields ${names} are reserved`,
    );
    this.properties = expandReferences(source);
    this.isClosed = additionalProperties === false;
  }

  /**
   * Refuses fields that the tool has itself.
   * @param owner the name of the tool's arguments
   * @throws ResponseSchemaError
   */
  assertApartFrom(own: readonly string[], owner: string): void {
    refuse(
      Object.keys(this.properties).filter((name) => own.includes(name)),
      (names) => `response_schema fields ${names} collide with existing fields on ${owner}`,
    );
  }

  /** The schemas of fields that have one of their own, for the repair of values. */
  get decodable(): { properties: Record<string, JsonObject> } {
    const schemas = Object.entries(this.properties).flatMap(([name, schema]) =>
      isJsonObject(schema) ? [[name, schema] as const] : [],
    );
    return { properties: Object.fromEntries(schemas) };
  }

  /** Separates the fields of this schema from the arguments of the tool. */
  split(args: JsonObject): { fields: JsonObject; rest: JsonObject } {
    const entries = Object.entries(args);
    const isField = ([name]: [string, unknown]): boolean => Object.hasOwn(this.properties, name);
    return {
      fields: Object.fromEntries(entries.filter(isField)),
      rest: Object.fromEntries(entries.filter((entry) => !isField(entry))),
    };
  }

  /** Why fields do not match the schema; undefined if they do. */
  problemOf(fields: JsonObject): string | undefined {
    const { schema, references } = this.checked;
    try {
      return runWithin(LIMIT_MS, () => {
        const { valid, errors } = validate(fields, schema, '2020-12', { ...references }, true);
        return valid ? undefined : validationMessage(errors, fields, this.checked);
      });
    } catch (error) {
      if (error instanceof TimeLimitError) return `the check of the fields was ${error.message}`;
      if (error instanceof RangeError) return 'the fields are nested too deeply';
      throw error;
    }
  }
}

/** @throws ResponseSchemaError if there are any names */
function refuse(names: readonly string[], describe: (names: string) => string): void {
  if (names.length > 0) throw new ResponseSchemaError(describe(pythonRepr([...names].sort())));
}
