import { isJsonObject } from '../json/index.js';
import { decodeUrlPart, parseUrl } from '../text/index.js';
import { AppConfig } from './app-config.js';
import { withoutCredentials, withoutPassword } from './config-error.js';
import { fieldsOf, type ConfigClass, type FieldShape } from './config-field.js';

/** Replaces secrets. */
export const MASK = '**********';

/** The effective configuration as plain JSON with all secrets masked, as `--check-config` prints it. */
export function effectiveConfig(config: AppConfig): Record<string, unknown> {
  return showFields(AppConfig, new Map<string, unknown>(Object.entries(config)));
}

/** All secret texts of a configuration, including user names and passwords in URLs. */
export function configSecrets(config: AppConfig): string[] {
  return secretsOf(AppConfig, new Map<string, unknown>(Object.entries(config)));
}

function secretsOf(type: ConfigClass, values: ReadonlyMap<string, unknown>): string[] {
  return fieldsOf(type).flatMap(({ name, shape, secret }) => {
    const value = values.get(name);
    return secret ? textsIn(value) : secretsIn(shape, value);
  });
}

function secretsIn(shape: FieldShape, value: unknown): string[] {
  if (shape.kind === 'list' && Array.isArray(value))
    return value.flatMap((item) => secretsIn(shape.item, item));
  if (shape.kind === 'section' && isJsonObject(value)) {
    return secretsOf(shape.type, new Map(Object.entries(value)));
  }
  const url = typeof value === 'string' ? parseUrl(value) : undefined;
  if (url === undefined) return [];
  const { username, password } = url;
  return [username, password].flatMap((part) => [part, decodeUrlPart(part)]);
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function showFields(type: ConfigClass, values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const shown = fieldsOf(type).map(({ name, shape, secret }): [string, unknown] => {
    const value = values.get(name);
    return [name, secret ? mask(value) : showShape(shape, value)];
  });
  return Object.fromEntries(shown);
}

function showShape(shape: FieldShape, value: unknown): unknown {
  if (shape.kind === 'section' && isJsonObject(value))
    return showFields(shape.type, new Map(Object.entries(value)));
  if (shape.kind === 'list' && Array.isArray(value)) return value.map((item) => showShape(shape.item, item));
  if (typeof value !== 'string') return value;
  return shape.kind === 'url' ? withoutCredentials(value) : withoutPassword(value);
}

function mask(value: unknown): unknown {
  if (typeof value === 'string') return MASK;
  if (Array.isArray(value)) return value.map(mask);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mask(item)]));
}
