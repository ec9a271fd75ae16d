import { isJsonObject } from '../json/index.js';
import { parseUrl } from '../text/index.js';
import { AppConfig } from './app-config.js';
import { withoutCredentials, withoutPassword } from './config-error.js';
import { fieldsOf, type ConfigClass, type ConfigField } from './config-field.js';
import type { ConfigSource } from './config-origin.js';
import { MASK } from './effective-config.js';

/** Most items of a list that are described. */
const MAX_ITEMS = 100;
/** Longer texts are cut (UTF-16 units). */
const MAX_TEXT = 2000;

/** One option of the configuration in force. */
export interface ConfigEntry {
  /** Path of the option, such as `webhooks[0].num_retries`. */
  name: string;
  /** The environment variable that sets it; null if none does. */
  variable: string | null;
  /** Secrets are masked. */
  value: unknown;
  /** The value without any configuration; null also if it is required. */
  default: unknown;
  is_default: boolean;
  source: ConfigSource;
  description: string;
  /** Describes a valid value. */
  expected: string;
  secret: boolean;
}

/** All options in the order of the schema, those of groups and of lists of groups one by one. */
export function configEntries(config: AppConfig): ConfigEntry[] {
  return [...entriesOf(AppConfig, config, { config, path: '', variable: 'OH' }), ...listenEntries(config)];
}

interface Place {
  config: AppConfig;
  path: string;
  variable: string;
}

function entriesOf(type: ConfigClass, group: object, place: Place): ConfigEntry[] {
  const values = new Map<string, unknown>(Object.entries(group));
  const defaults = new Map<string, unknown>(Object.entries(new type()));
  return fieldsOf(type).flatMap((field) => {
    const { shape, name } = field;
    const value = values.get(name);
    const at: Place = {
      ...place,
      path: place.path === '' ? name : `${place.path}.${name}`,
      variable: `${place.variable}_${name.toUpperCase()}`,
    };
    if (shape.kind === 'section' && isJsonObject(value)) return entriesOf(shape.type, value, at);
    if (shape.kind === 'list' && shape.item.kind === 'section' && Array.isArray(value) && value.length > 0) {
      const { type: item } = shape.item;
      return value.slice(0, MAX_ITEMS).flatMap((it: unknown, index) =>
        isJsonObject(it)
          ? entriesOf(item, it, {
              ...at,
              path: `${at.path}[${index}]`,
              variable: `${at.variable}_${index}`,
            })
          : [],
      );
    }
    return [entryOf(field, value, defaults.get(name), at)];
  });
}

function entryOf(field: ConfigField, value: unknown, standard: unknown, place: Place): ConfigEntry {
  const { about, expected, nullable, secret } = field;
  return {
    name: place.path,
    variable: place.variable,
    value: secret ? masked(value) : shown(value),
    default: standard ?? null,
    is_default: JSON.stringify(value) === JSON.stringify(standard),
    source: place.config.origin.sourceOf(place.path),
    description: about,
    expected: nullable ? `${expected}, or null` : expected,
    secret,
  };
}

/** The address to listen on comes from the command line only. */
function listenEntries({ listen }: AppConfig): ConfigEntry[] {
  const { listen: standard } = new AppConfig();
  const entry = (
    name: string,
    value: unknown,
    usual: unknown,
    given: boolean,
    about: string,
  ): ConfigEntry => ({
    name,
    variable: null,
    value,
    default: usual,
    is_default: value === usual,
    source: given ? { kind: 'command_line', name: `--${name}` } : { kind: 'default', name: null },
    description: about,
    expected: name === 'host' ? 'a host name or an address' : 'a port, 0 for any free one',
    secret: false,
  });
  return [
    entry('host', listen.host, standard.host, listen.hostGiven, 'Address that the server listens on.'),
    entry(
      'port',
      listen.port,
      standard.port,
      listen.port !== standard.port,
      'Port that the server listens on.',
    ),
  ];
}

function shown(value: unknown): unknown {
  if (typeof value === 'string') return shownText(value);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(shown);
  if (!isJsonObject(value)) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shown(item)]));
}

/** URLs are shown without user name, password and query, also in options that take other texts as well. */
function shownText(text: string): string {
  const safe = parseUrl(text) === undefined ? withoutPassword(text) : withoutCredentials(text);
  return safe.length > MAX_TEXT ? `${safe.slice(0, MAX_TEXT)}...` : safe;
}

function masked(value: unknown): unknown {
  if (typeof value === 'string') return MASK;
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(masked);
  if (!isJsonObject(value)) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, masked(item)]));
}
