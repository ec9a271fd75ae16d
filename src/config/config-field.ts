import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { isJsonObject } from '../json/index.js';
import { isHostUrl, isHttpUrl } from '../text/index.js';

/** A class whose fields are declared with the decorators below. */
export type ConfigClass = new () => object;

/** How the text of an environment variable becomes the value of a field. */
export type FieldShape =
  | { kind: 'text' | 'url' | 'flag' | 'whole' | 'number' | 'choice' | 'dictionary' | 'json' }
  /** `replaces`: one variable may hold the whole list as `a,b`; it replaces the list of the file. */
  | { kind: 'list'; item: FieldShape; replaces?: boolean }
  | { kind: 'section'; type: ConfigClass };

/**
 * One option of the configuration, for the environment, `--check-config` and the generated reference.
 */
export interface ConfigField {
  name: string;
  shape: FieldShape;
  /** Describes a valid value, after "expected" in error messages. */
  expected: string;
  /** One sentence for the reference. */
  about: string;
  nullable: boolean;
  /** Its value is never printed. */
  secret: boolean;
}

interface FieldOptions {
  nullable?: boolean;
  secret?: boolean;
}

interface Range {
  min?: number;
  /** The value must be greater than this. */
  above?: number;
  max?: number;
  /** The value must be less than this. */
  below?: number;
}

const fieldsByClass = new Map<object, ConfigField[]>();

/** The declared fields of a configuration class, in the order of its source, and then those of its parent. */
export function fieldsOf(type: ConfigClass): readonly ConfigField[] {
  const parent = Object.getPrototypeOf(type) as ConfigClass | null;
  return [...(fieldsByClass.get(type) ?? []), ...(parent ? fieldsOf(parent) : [])];
}

/** A text that is not blank. */
export function Text(about: string, options: FieldOptions = {}): PropertyDecorator {
  const expected = 'a non-empty string';
  return field(about, { kind: 'text' }, expected, options, [
    IsString({ message: expected }),
    check('isFilled', expected, (value) => typeof value !== 'string' || value.trim() !== ''),
  ]);
}

/** A text that is a regular expression. */
export function Pattern(about: string, options: FieldOptions = {}): PropertyDecorator {
  const expected = 'a regular expression';
  return field(about, { kind: 'text' }, expected, options, [check('isPattern', expected, isPattern)]);
}

/** An absolute http or https URL. */
export function Url(about: string, options: FieldOptions = {}): PropertyDecorator {
  const expected = 'an http:// or https:// URL';
  return field(about, { kind: 'url' }, expected, options, [
    check('isHttpUrl', expected, (value) => typeof value === 'string' && isHttpUrl(value)),
  ]);
}

/** An absolute http or https URL of a host and a port only. */
export function HostUrl(about: string, options: FieldOptions = {}): PropertyDecorator {
  const expected = 'an http:// or https:// URL of a host and a port only';
  return field(about, { kind: 'url' }, expected, options, [
    check('isHostUrl', expected, (value) => typeof value === 'string' && isHostUrl(value)),
  ]);
}

/** True or false. */
export function Flag(about: string, options: FieldOptions = {}): PropertyDecorator {
  const expected = 'true or false';
  return field(about, { kind: 'flag' }, expected, options, [IsBoolean({ message: expected })]);
}

/** A whole number in a range. */
export function Whole(about: string, range: Range, options: FieldOptions = {}): PropertyDecorator {
  const expected = describeRange('a whole number', range);
  return field(about, { kind: 'whole' }, expected, options, [
    IsInt({ message: expected }),
    check('isInRange', expected, (value) => isInRange(value, range)),
  ]);
}

/** A number in a range. */
export function Decimal(about: string, range: Range, options: FieldOptions = {}): PropertyDecorator {
  const expected = describeRange('a number', range);
  return field(about, { kind: 'number' }, expected, options, [
    IsNumber({ allowNaN: false, allowInfinity: false }, { message: expected }),
    check('isInRange', expected, (value) => isInRange(value, range)),
  ]);
}

/** One of a few texts. */
export function Choice(
  about: string,
  choices: readonly string[],
  options: FieldOptions = {},
): PropertyDecorator {
  const expected = `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`;
  return field(about, { kind: 'choice' }, expected, options, [IsIn(choices, { message: expected })]);
}

/** A list of strings. */
export function TextList(about: string, options: FieldOptions = {}): PropertyDecorator {
  const expected = 'a list of strings';
  const shape: FieldShape = { kind: 'list', item: { kind: 'text' } };
  return field(about, shape, expected, options, [
    IsArray({ message: expected }),
    IsString({ each: true, message: expected }),
  ]);
}

/**
 * A list of names without commas. The environment may set it as `a,b`, which replaces the list of the file.
 */
export function NameList(about: string): PropertyDecorator {
  const expected = 'a list of names';
  const shape: FieldShape = { kind: 'list', item: { kind: 'text' }, replaces: true };
  return field(about, shape, expected, {}, [
    IsArray({ message: expected }),
    IsString({ each: true, message: expected }),
  ]);
}

/** A map from names to texts. */
export function Dictionary(about: string, options: FieldOptions = {}): PropertyDecorator {
  const expected = 'an object whose values are strings';
  return field(about, { kind: 'dictionary' }, expected, options, [
    check('isDictionary', expected, isDictionary),
  ]);
}

/** A value with a custom check; in the environment JSON or plain text. */
export function Custom(
  about: string,
  expected: string,
  accepts: (value: unknown) => boolean,
  options: FieldOptions = {},
): PropertyDecorator {
  return field(about, { kind: 'json' }, expected, options, [check('isAccepted', expected, accepts)]);
}

/** A nested group of fields. */
export function Section(about: string, type: ConfigClass): PropertyDecorator {
  const expected = 'an object';
  return field(about, { kind: 'section', type }, expected, {}, [
    check('isSection', expected, isJsonObject),
    ValidateNested({ message: expected }),
    Type(() => type),
  ]);
}

/** A list of groups of fields. */
export function SectionList(about: string, type: ConfigClass): PropertyDecorator {
  const expected = 'a list of objects';
  return field(about, { kind: 'list', item: { kind: 'section', type } }, expected, {}, [
    IsArray({ message: expected }),
    check(
      'isSectionList',
      expected,
      (value) => !Array.isArray(value) || value.every((item) => isJsonObject(item)),
    ),
    ValidateNested({ each: true, message: expected }),
    Type(() => type),
  ]);
}

function field(
  about: string,
  shape: FieldShape,
  expected: string,
  options: FieldOptions,
  decorators: PropertyDecorator[],
): PropertyDecorator {
  return (target, property) => {
    const { nullable = false, secret = false } = options;
    const declared = fieldsByClass.get(target.constructor) ?? [];
    declared.push({ name: String(property), shape, expected, about, nullable, secret });
    fieldsByClass.set(target.constructor, declared);
    for (const decorate of decorators) decorate(target, property);
    if (nullable) IsOptional()(target, property);
  };
}

function check(name: string, expected: string, accepts: (value: unknown) => boolean): PropertyDecorator {
  return ValidateBy({ name, validator: { validate: accepts, defaultMessage: () => expected } });
}

function describeRange(what: string, { min, above, max, below }: Range): string {
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`;
  if (above !== undefined && below !== undefined) return `${what} between ${above} and ${below}`;
  if (min !== undefined) return `${what} of at least ${min}`;
  return above === undefined ? what : `${what} greater than ${above}`;
}

function isInRange(value: unknown, { min, above, max, below }: Range): boolean {
  // Other types are already reported by the type check.
  if (typeof value !== 'number') return true;
  if (min !== undefined && value < min) return false;
  if (above !== undefined && value <= above) return false;
  if (max !== undefined && value > max) return false;
  return below === undefined || value < below;
}

function isPattern(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    new RegExp(value);
    return true;
  } catch {
    return false;
  }
}

function isDictionary(value: unknown): boolean {
  return isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string');
}
