import type { ToolSchema } from '../tool.js';
import { decodeJsonPrefix, JsonDecodeError } from '../../json/index.js';

/**
 * Undoes what models do to the values of their arguments: lists and objects written as JSON text are decoded
 * (with whatever follows them cut off), and texts given as a list of strings are joined.
 */
export function decodeValues(schema: ToolSchema, args: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [key, decodeValue(schemaOf(schema, key), value)]),
  );
}

function schemaOf(schema: ToolSchema, key: string): Record<string, unknown> {
  return Object.hasOwn(schema.properties, key) ? (schema.properties[key] ?? {}) : {};
}

function decodeValue(schema: Record<string, unknown>, value: unknown): unknown {
  const type = schema['type'];
  if ((type === 'array' || type === 'object') && typeof value === 'string') return decodeContainer(value);
  const joins = type === 'string' && schema['enum'] === undefined;
  if (joins && Array.isArray(value) && value.every((part) => typeof part === 'string')) return value.join('');
  return value;
}

function decodeContainer(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return decodeJsonPrefix(text);
  } catch (error) {
    if (error instanceof JsonDecodeError) return text;
    throw error;
  }
}
