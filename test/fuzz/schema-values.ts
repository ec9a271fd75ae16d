import { isJsonObject, type JsonObject } from '../../src/json/index.js';
import { randomOf } from '../support/random.js';

/**
 * Values for fields of these names, whatever their schema: requests must stay on the machine and in the
 * folder.
 */
const BY_NAME: Readonly<Record<string, readonly unknown[]>> = {
  model: ['scripted/a', 'scripted/b'],
  text: ['SAY: hi', 'FINISH: done', '', 'é\u0000\n', 'WAIT: 1\nSAY: x'],
  working_dir: [
    'work',
    'work',
    'work',
    'work',
    'work',
    'work',
    'deep/er',
    'a-file',
    '',
    'a\nb',
    'x'.repeat(300),
    'a-file/below',
    'nul\u0000',
  ],
  tools: [[], [{ name: 'terminal' }], [{ name: 'nope' }]],
  command: ['true', 'false'],
  source: ['nowhere', 'user', ''],
  base_url: ['http://127.0.0.1:9/'],
  url: ['http://127.0.0.1:9/'],
  api_url: ['http://127.0.0.1:9/'],
  server_url: ['http://127.0.0.1:9/'],
  ollama_base_url: [null],
  log_completions_folder: ['logs'],
  profile_store_dir: [null],
  fallback_strategy: [null],
  plugins: [null],
  agent_profile_id: [null],
  agent_settings: [null],
  num_retries: [0],
};
const TEXTS = [
  '',
  'x',
  '1',
  '1g',
  'é',
  'a\nb',
  'constructor',
  '__proto__',
  'terminal',
  'y'.repeat(300),
  '\u0000',
];
const NUMBERS = [0, 1, 2, 100, -1, 0.5, 0.01, 20];
const FREE: readonly unknown[] = [null, true, 0, 'x', [], {}, [1, 'a'], { a: { b: null } }];

/** Below this depth optional fields are left out, because schemas may be recursive. */
const MAX_DEPTH = 5;

/** Optional fields that are always set: without them nothing else would be validated. */
const ALWAYS_SET = ['agent', 'kind', 'model'];

/**
 * Makes valid or nearly valid values for schemas of an OpenAPI document. The same seed gives the same value.
 */
export class SchemaValues {
  constructor(private readonly schemas: JsonObject) {}

  make(schema: unknown, seed: number): unknown {
    return new Maker(this.schemas, seed).value(schema, 0);
  }
}

class Maker {
  /**
   * The share of optional fields that are set: few give a valid value, many find conflicts between fields.
   */
  private readonly share: number;
  private readonly random: () => number;

  constructor(
    private readonly schemas: JsonObject,
    seed: number,
  ) {
    this.random = randomOf(seed);
    this.share = this.pick([0, 0.1, 0.4]);
  }

  value(schema: unknown, depth: number, isRequired = false): unknown {
    if (!isJsonObject(schema)) return this.pick(FREE);
    const { $ref: ref, const: fixed, enum: words } = schema;
    if (typeof ref === 'string') return this.value(this.schemas[ref.split('/').at(-1) ?? ''], depth);
    if (fixed !== undefined) return fixed;
    if (words !== undefined) return this.pick(list(words));
    const union = list(schema['anyOf'] ?? schema['oneOf']).filter((member) => !isRequired || !isNull(member));
    if (union.length === 0) return this.ofType(schema, depth);
    const flat = union.filter((member) => isJsonObject(member) && !('$ref' in member));
    return this.value(this.pick(depth >= MAX_DEPTH && flat.length > 0 ? flat : union), depth + 1);
  }

  private ofType(schema: JsonObject, depth: number): unknown {
    switch (schema['type']) {
      case 'string':
        return schema['format'] === 'uuid'
          ? `00000000-0000-4000-8000-${this.hex(12)}`
          : this.pick(
              orAny(
                TEXTS.filter((text) => fitsText(schema, text)),
                TEXTS,
              ),
            );
      case 'integer':
        return this.pick(NUMBERS.filter((number) => Number.isInteger(number) && fitsNumber(schema, number)));
      case 'number':
        return this.pick(NUMBERS.filter((number) => fitsNumber(schema, number)));
      case 'boolean':
        return this.chance(0.5);
      case 'null':
        return null;
      case 'array':
        return this.some(depth).map(() => this.value(schema['items'], depth + 1));
      case 'object':
        return this.ofObject(schema, depth);
      default:
        return this.pick(FREE);
    }
  }

  private ofObject(schema: JsonObject, depth: number): unknown {
    const { properties, additionalProperties } = schema;
    if (!isJsonObject(properties)) {
      const names = this.some(depth).map(() => this.pick(['a', 'b', '__proto__']));
      return Object.fromEntries(names.map((name) => [name, this.value(additionalProperties, depth + 1)]));
    }
    const required = list(schema['required']);
    const given = Object.entries(properties).filter(
      ([name]) =>
        required.includes(name) ||
        ALWAYS_SET.includes(name) ||
        (depth < MAX_DEPTH && this.chance(this.share)),
    );
    return Object.fromEntries(
      given.map(([name, field]) => [
        name,
        Object.hasOwn(BY_NAME, name)
          ? this.pick(BY_NAME[name] ?? [])
          : this.value(field, depth + 1, ALWAYS_SET.includes(name)),
      ]),
    );
  }

  private some(depth: number): number[] {
    return Array.from(
      { length: depth >= MAX_DEPTH ? 0 : Math.floor(this.random() * 3) },
      (_, index) => index,
    );
  }

  private pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.random() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  private chance(share: number): boolean {
    return this.random() < share;
  }

  private hex(length: number): string {
    return Array.from({ length }, () => Math.floor(this.random() * 16).toString(16)).join('');
  }
}

function isNull(schema: unknown): boolean {
  return isJsonObject(schema) && schema['type'] === 'null';
}

/** All values when none of them fits. */
function orAny<T>(fitting: T[], all: readonly T[]): readonly T[] {
  return fitting.length > 0 ? fitting : all;
}

function fitsText({ minLength, maxLength, pattern }: JsonObject, text: string): boolean {
  const { length } = Array.from(text);
  if (typeof minLength === 'number' && length < minLength) return false;
  if (typeof maxLength === 'number' && length > maxLength) return false;
  return typeof pattern !== 'string' || new RegExp(pattern, 'u').test(text);
}

function fitsNumber(
  { minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonObject,
  number: number,
): boolean {
  if (typeof minimum === 'number' && number < minimum) return false;
  if (typeof exclusiveMinimum === 'number' && number <= exclusiveMinimum) return false;
  if (typeof maximum === 'number' && number > maximum) return false;
  return typeof exclusiveMaximum !== 'number' || number < exclusiveMaximum;
}

/** A list, or an empty one for anything else. */
export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
