import type { ConfigEntry, ConfigSource } from '../../config/index.js';
import { type DescribedField, type JsonSchema, objectSchema } from '../../http/index.js';

/** Options that belong together. */
export interface ConfigurationGroup {
  title: string;
  fields: ConfigEntry[];
}

/** The answer of `GET /api/server/configuration`. */
export interface ConfigurationInForce {
  base_dir: string;
  file: { name: string; exists: boolean };
  warnings: string[];
  groups: ConfigurationGroup[];
}

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const textOrNull: JsonSchema = { type: ['string', 'null'] };
const anyValue: JsonSchema = { type: ['string', 'number', 'boolean', 'array', 'object', 'null'], items: {} };

/** Schemas for the API document. */
export function configurationSchemas(): Record<string, JsonSchema> {
  return {
    ConfigurationSource: objectSchema({
      kind: [
        { type: 'string', enum: ['default', 'file', 'variable', 'command_line', 'init'] },
        'What set the value; `init` is `POST /api/init`.',
      ],
      name: [textOrNull, 'Name of the file, variable or option; null for a default.'],
    } satisfies Record<keyof ConfigSource, DescribedField>),
    ConfigurationField: objectSchema({
      name: [text, 'Path of the option in the configuration file, such as `webhooks[0].num_retries`.'],
      variable: [textOrNull, 'Environment variable that sets it; null if none does.'],
      value: [anyValue, 'Value in force. Secrets are `**********`.'],
      default: [anyValue, 'Value without any configuration; null also for a required option.'],
      is_default: [flag, 'Whether the value in force equals the default.'],
      source: [{ $ref: '#/components/schemas/ConfigurationSource' }, 'Where the value comes from.'],
      description: [text, 'What the option is for.'],
      expected: [text, 'Describes a valid value.'],
      secret: [flag, 'Whether the value is masked.'],
    } satisfies Record<keyof ConfigEntry, DescribedField>),
    ConfigurationGroup: objectSchema({
      title: [text, 'What the options are about.'],
      fields: [
        { type: 'array', items: { $ref: '#/components/schemas/ConfigurationField' } },
        'The options in the order of the schema.',
      ],
    } satisfies Record<keyof ConfigurationGroup, DescribedField>),
    ConfigurationInForce: objectSchema({
      base_dir: [text, 'Folder that relative paths are resolved against.'],
      file: [
        objectSchema({
          name: [text, 'Name of the file, as configured.'],
          exists: [flag, 'Whether it was there at the start.'],
        }),
        'The configuration file.',
      ],
      warnings: [{ type: 'array', items: text }, 'What has no effect, such as options with unknown names.'],
      groups: [
        { type: 'array', items: { $ref: '#/components/schemas/ConfigurationGroup' } },
        'The options in groups.',
      ],
    } satisfies Record<keyof ConfigurationInForce, DescribedField>),
  };
}
