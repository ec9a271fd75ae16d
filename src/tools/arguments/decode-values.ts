import type { ToolSchema } from '../tool.js';
import { decodeJsonPrefix, JsonDecodeError } from '../../json/index.js';

/**
 * Repairs argument values that models encode wrongly: lists and objects given as JSON text are decoded
 * (ignoring text behind them), and texts given as a list of strings are joined.
 */
export function decodeValues(
  { properties }: Pick<ToolSchema, 'properties'>,
  args: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [
      key,
      Object.hasOwn(properties, key) ? decodeValue(properties[key] ?? {}, value) : value,
    ]),
  );
}

function decodeValue(schema: Record<string, unknown>, value: unknown): unknown {
  const type = schema['type'];
  if ((type === 'array' || type === 'object') && typeof value === 'string') return decodeContainer(value);
  const isFreeText = type === 'string' && schema['enum'] === undefined;
  if (isFreeText && Array.isArray(value) && value.every((part) => typeof part === 'string'))
    return value.join('');
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
