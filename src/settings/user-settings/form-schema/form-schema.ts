import { fieldSchema } from '../../../openapi/index.js';
import {
  type DtoClass,
  type FieldSpec,
  fieldsOf,
  type JsonSchema,
  documentSchemas,
  objectSchema,
} from '../../../http/index.js';
import { isJsonObject } from '../../../json/index.js';

/** How prominently a form shows a field. */
type Prominence = 'critical' | 'major' | 'minor';

/** A field of a form. */
interface SettingsField {
  /** The path in the settings. */
  key: string;
  label: string;
  description: string | null;
  section: string;
  section_label: string;
  value_type: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  default: unknown;
  prominence: Prominence;
  /** Fields that must be enabled, or have the value after `=`, for this one to apply. */
  depends_on: string[];
  secret: boolean;
  choices: { value: string; label: string }[];
  /** The kind of agent that has the field; null: all kinds. */
  variant: string | null;
}

/** A section of a form. */
interface SettingsSection {
  key: string;
  label: string;
  fields: SettingsField[];
  variant: string | null;
}

/** The description of a form, from which clients render it. */
export interface SettingsSchema {
  model_name: string;
  sections: SettingsSection[];
}

/** Properties of a form field that its declaration does not have, or that replace declared ones. */
export interface FieldHints {
  label?: string;
  /** Null: the form shows no text. */
  description?: null;
  prominence?: Prominence;
  depends_on?: string[];
  /** Suggested values; others are accepted, too. */
  choices?: string[];
}

/** Selects the fields of a DTO class that form a section. */
export interface SectionSpec {
  key: string;
  label: string;
  /** The kind of agent that has the fields. */
  variant: string | null;
  /** Whether the section itself is marked with that kind. */
  isOfVariant: boolean;
  dto: DtoClass;
  /** Prefix of the keys, such as `llm.`. */
  prefix: string;
  names: readonly string[];
  /** Prominence of fields without a hint. */
  prominence: Prominence;
  hints: Readonly<Record<string, FieldHints>>;
}

/** Creates a section from the field declarations of a DTO class. */
export function createSection(spec: SectionSpec): SettingsSection {
  const fields = fieldsOf(spec.dto);
  const defaults = new Map<string, unknown>(Object.entries(new spec.dto()));
  return {
    key: spec.key,
    label: spec.label,
    fields: spec.names.flatMap((name) => {
      const field = fields.get(name);
      return field ? [formField(spec, name, field, defaults.get(name))] : [];
    }),
    variant: spec.isOfVariant ? spec.variant : null,
  };
}

function formField(section: SectionSpec, name: string, field: FieldSpec, initial: unknown): SettingsField {
  const schema = notNull(fieldSchema(field, undefined));
  const hints = section.hints[name] ?? {};
  const choices =
    hints.choices ?? (Array.isArray(schema['enum']) ? schema['enum'].map(String) : constant(schema));
  return {
    key: section.prefix + name,
    label: hints.label ?? defaultLabel(name),
    description: hints.description === undefined ? field.description : null,
    section: section.key,
    section_label: section.label,
    value_type: valueType(schema),
    default: initial ?? null,
    prominence: hints.prominence ?? section.prominence,
    depends_on: (hints.depends_on ?? []).map((other) => section.prefix + other),
    secret: schema['format'] === 'password',
    choices: choices.map((value) => ({ value, label: value })),
    variant: section.variant,
  };
}

function constant({ const: only }: JsonSchema): string[] {
  return typeof only === 'string' ? [only] : [];
}

/** The schema of a nullable field without null. */
function notNull(schema: JsonSchema): JsonSchema {
  const { anyOf } = schema;
  if (!Array.isArray(anyOf)) return schema;
  const [first] = anyOf.filter(isJsonObject).filter(({ type }) => type !== 'null');
  return first ?? schema;
}

function valueType({ type }: JsonSchema): SettingsField['value_type'] {
  switch (type) {
    case 'integer':
    case 'number':
    case 'boolean':
    case 'array':
    case 'object':
      return type;
    default:
      return 'string';
  }
}

const ACRONYMS = new Set(['api', 'aws', 'id', 'url']);

/** `aws_region_name` becomes `AWS Region Name`. */
function defaultLabel(name: string): string {
  return name
    .split('_')
    .map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1)))
    .join(' ');
}

const nullableText = { anyOf: [{ type: 'string' }, { type: 'null' }] };

const text = { type: 'string' };

documentSchemas(() =>
  Promise.resolve({
    SettingProminence: { type: 'string', enum: ['critical', 'major', 'minor'] },
    SettingsChoice: objectSchema({
      value: [
        { anyOf: ['boolean', 'integer', 'number', 'string'].map((type) => ({ type })) },
        'Value that is stored when the choice is selected.',
      ],
      label: [text, 'Text that a form shows for the choice.'],
    }),
    SettingsFieldSchema: objectSchema({
      key: [text, 'Path of the setting, with dots, such as `llm.model`.'],
      label: [text, 'Text that a form shows beside the field.'],
      'description?': [nullableText, 'What the setting is for; null if it is not described.'],
      section: [text, 'Key of the section that the field belongs to.'],
      section_label: [text, 'Text that a form shows above the section.'],
      value_type: [
        { type: 'string', enum: ['string', 'integer', 'number', 'boolean', 'array', 'object'] },
        'JSON type of the value.',
      ],
      'default?': [{}, 'Value of the setting if nothing is stored.'],
      'prominence?': [
        { $ref: '#/components/schemas/SettingProminence', default: 'minor' },
        '`critical`: always shown. `major`: shown in an extended view. `minor`: for experts.',
      ],
      'depends_on?': [
        { type: 'array', items: text },
        'Keys of fields that must be enabled, or have the value after `=`, for this one to apply.',
      ],
      'secret?': [
        { type: 'boolean', default: false },
        'Whether the value is a secret, which forms must not show.',
      ],
      'choices?': [
        { type: 'array', items: { $ref: '#/components/schemas/SettingsChoice' } },
        'Suggested values; others may be accepted, too. Empty if there are none.',
      ],
      'variant?': [nullableText, 'Kind of agent that has the field: `openhands` or `acp`. Null: all kinds.'],
    }),
    SettingsSectionSchema: objectSchema({
      key: [text, 'Key of the section.'],
      label: [text, 'Text that a form shows above the section.'],
      fields: [
        { type: 'array', items: { $ref: '#/components/schemas/SettingsFieldSchema' } },
        'Fields of the section in the order of the form.',
      ],
      'variant?': [
        nullableText,
        'Kind of agent that has the section: `openhands` or `acp`. Null: all kinds.',
      ],
    }),
    SettingsSchema: objectSchema({
      model_name: [text, 'Name of the settings that the form is for, such as `AgentSettings`.'],
      sections: [
        { type: 'array', items: { $ref: '#/components/schemas/SettingsSectionSchema' } },
        'Sections in the order of the form.',
      ],
    }),
  }),
);
