import { isJsonObject, tryParseJson } from '../json/index.js';
import { describeValue, type ConfigProblem } from './config-error.js';
import { fieldsOf, type ConfigClass, type ConfigField, type FieldShape } from './config-field.js';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Options that the environment sets. */
interface EnvironmentValues {
  /** Only options that are set; missing list items are `undefined`. */
  values: Record<string, unknown>;
  problems: ConfigProblem[];
  /** The variable that set the value at a path. */
  sources: Map<string, string>;
}

/**
 * Reads options from variables named after them: `PREFIX_OPTION` in upper case, nested and listed ones joined
 * by `_` (`OH_WEBHOOKS_0_BASE_URL`). Lists and groups may also be JSON, lists also a length
 * (`OH_WEBHOOKS=2`), whose items follow, lists of names also `a,b`. `..._IS_NONE=1` sets an option to null.
 */
export function readEnvironment(type: ConfigClass, prefix: string, env: Environment): EnvironmentValues {
  const reader = new EnvironmentReader(env);
  const values = reader.section(type, prefix, '') ?? {};
  return { values, problems: reader.problems, sources: reader.sources };
}

type ListShape = Extract<FieldShape, { kind: 'list' }>;

class EnvironmentReader {
  readonly problems: ConfigProblem[] = [];
  readonly sources = new Map<string, string>();

  constructor(private readonly env: Environment) {}

  /** The fields of a group that are set, or undefined when none is. */
  section(type: ConfigClass, variable: string, path: string): Record<string, unknown> | undefined {
    const found: Record<string, unknown> = {};
    for (const field of fieldsOf(type)) {
      const name = `${variable}_${field.name.toUpperCase()}`;
      const value = this.field(field, name, path === '' ? field.name : `${path}.${field.name}`);
      if (value !== undefined) found[field.name] = value;
    }
    return Object.keys(found).length > 0 ? found : undefined;
  }

  private field(field: ConfigField, variable: string, path: string): unknown {
    const value = this.value(field.shape, field, variable, path);
    const none = this.env[`${variable}_IS_NONE`];
    if (value !== undefined || !field.nullable || none === undefined || !isTrue(none)) return value;
    this.sources.set(path, `${variable}_IS_NONE`);
    return null;
  }

  private value(shape: FieldShape, field: ConfigField, variable: string, path: string): unknown {
    const text = this.env[variable];
    if (text !== undefined) this.sources.set(path, variable);
    switch (shape.kind) {
      case 'section':
        return this.group(shape.type, field, variable, path);
      case 'list':
        return this.list(shape, field, variable, path);
      default:
        if (text === undefined || (field.nullable && text.trim() === '')) return undefined;
        return this.scalar(shape.kind, text, field, variable, path);
    }
  }

  private group(type: ConfigClass, field: ConfigField, variable: string, path: string): unknown {
    const whole = this.json(variable, path, 'a JSON object', field.secret, isJsonObject);
    const single = this.section(type, variable, path);
    return whole === undefined && single === undefined ? undefined : { ...whole, ...single };
  }

  private list(
    { item, replaces = false }: ListShape,
    field: ConfigField,
    variable: string,
    path: string,
  ): unknown {
    const text = this.env[variable];
    if (replaces && text !== undefined && !/^\s*(\[|\d{1,4}$)/.test(text)) return separated(text);
    const length = /^\d{1,4}$/.exec(text ?? '')?.[0];
    const expected = `a JSON list, or its length with ${variable}_0 and so on`;
    const items: unknown[] =
      length === undefined
        ? (this.json(variable, path, expected, field.secret, Array.isArray) ?? [])
        : Array.from({ length: Number(length) });
    const given = items.length;
    const last = this.lastIndex(variable);
    for (let index = 0; index <= Math.max(last, items.length - 1); index += 1) {
      const value = this.value(item, field, `${variable}_${index}`, `${path}[${index}]`);
      items[index] = value === undefined ? items[index] : overlay(items[index], value);
    }
    return items.length === 0 && given === 0 && text === undefined ? undefined : items;
  }

  /**
   * The highest index in a variable's name. A gap below it is a missing item, not the end of the list.
   */
  private lastIndex(variable: string): number {
    const start = `${variable}_`;
    const indexes = Object.keys(this.env)
      .filter((name) => name.startsWith(start) && this.env[name] !== undefined)
      .map((name) => /^\d{1,4}(?=_|$)/.exec(name.slice(start.length))?.[0]);
    return Math.max(-1, ...indexes.map((index) => (index === undefined ? -1 : Number(index))));
  }

  private scalar(
    kind: Exclude<FieldShape['kind'], 'section' | 'list'>,
    text: string,
    field: ConfigField,
    variable: string,
    path: string,
  ): unknown {
    switch (kind) {
      case 'flag':
        if (isTrue(text)) return true;
        // `no` and blank are false in the original too, where any other text is silently false.
        if (/^(0|false|no|off|)$/i.test(text.trim())) return false;
        return this.refuse(path, '1, true, 0 or false', text, field.secret, variable);
      case 'whole':
        if (/^\s*[+-]?\d+\s*$/.test(text)) return Number(text);
        return this.refuse(path, field.expected, text, field.secret, variable);
      case 'number':
        if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
        return this.refuse(path, field.expected, text, field.secret, variable);
      case 'dictionary':
        return this.json(variable, path, 'a JSON object', field.secret, isJsonObject);
      case 'json':
        return tryParseJson(text) ?? text;
      case 'text':
      case 'url':
      case 'choice':
        return text;
    }
  }

  private json<T>(
    variable: string,
    path: string,
    expected: string,
    secret: boolean,
    accepts: (value: unknown) => value is T,
  ): T | undefined {
    const text = this.env[variable];
    if (text === undefined) return undefined;
    const value = tryParseJson(text);
    if (accepts(value)) return value;
    this.refuse(path, expected, text, secret, variable);
    return undefined;
  }

  private refuse(path: string, expected: string, text: string, secret: boolean, variable: string): undefined {
    this.problems.push({ path, expected, found: describeValue(text, secret), source: variable });
    return undefined;
  }
}

/** Merges values: groups by field, lists by item; other values of `above` replace those of `below`. */
export function overlay(below: unknown, above: unknown): unknown {
  if (above === undefined) return below;
  if (isJsonObject(below) && isJsonObject(above)) {
    const merged: Record<string, unknown> = { ...below };
    for (const [key, value] of Object.entries(above)) merged[key] = overlay(below[key], value);
    return merged;
  }
  if (Array.isArray(below) && Array.isArray(above)) {
    const length = Math.max(below.length, above.length);
    return Array.from({ length }, (_, index) => overlay(below[index], above[index]));
  }
  return above;
}

/** Splits `a,b`; blank items are dropped. */
function separated(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function isTrue(text: string): boolean {
  return /^(1|true)$/i.test(text.trim());
}
