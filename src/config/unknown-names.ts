import { isJsonObject } from '../json/index.js';
import { nearestName } from '../text/index.js';
import { AppConfig } from './app-config.js';
import { fieldsOf, type ConfigClass, type FieldShape } from './config-field.js';
import type { ConfigFile } from './config-file.js';
import type { Environment } from './environment.js';

/** Further warnings are counted. */
const MAX_WARNINGS = 20;

/** Fields of the file that are not part of the schema. */
const OTHER_FIELDS = new Set(['$schema', 'enable_vnc', 'session_api_key']);

/**
 * Variables that are not part of the schema: those that this server or the original read in other places.
 * People who come from the original have them set.
 */
const OTHER_VARIABLES = new Set([
  'OH_CLUSTER_KEY_FILE',
  'OH_DATABASE_URL_FILE',
  'OH_ENABLE_VNC',
  'OH_EXTRA_PYTHON_PATH',
  'OH_INLINE_IMAGE_ALLOW_PRIVATE_HOSTS',
  'OH_INLINE_IMAGE_CACHE_BYTES',
  'OH_INLINE_IMAGE_FETCH_TIMEOUT_S',
  'OH_INLINE_IMAGE_MAX_MB',
  'OH_INTERNAL_SERVER_URL',
  'OH_LLM_API_KEY_REFRESH_BASE_URLS',
  'OH_LLM_API_KEY_REFRESH_HEADERS',
  'OH_LLM_API_KEY_REFRESH_URL',
  'OH_PERSISTENCE_DIR',
  'OH_RUNTIME_IDLE_TIMEOUT_SECONDS',
  'OH_RUNTIME_LAUNCHED_PROFILE',
  'OH_SECRET_KEY_FILE',
  'OH_SESSION_API_KEY',
  'OH_TELEMETRY_CONSENT',
  'OH_TELEMETRY_CONSENT_MODE',
  'OH_TERMINAL_PROCESS_PRIORITY',
]);

/** The index of an item in the name of a variable, and what stands for it in `variablesOf`. */
const INDEX = /_\d{1,4}(?=_|$)/g;
const ANY_INDEX = '_#';

/**
 * Describes fields of the file and variables that have no effect because nothing has their name, with the
 * name that was probably meant. They are not errors: a newer or older server may know them.
 */
export function describeUnknownNames(file: ConfigFile, env: Environment): string[] {
  const warnings = [
    ...unknownFields(AppConfig, file.values, '', OTHER_FIELDS).map(
      ({ path, known }) => `unknown field ${path} (${file.name})${suggestion(known)}`,
    ),
    ...unknownVariables(env).map(
      ({ variable, known }) => `unknown variable ${printable(variable)}${suggestion(known)}`,
    ),
  ];
  const more = warnings.length - MAX_WARNINGS;
  return more > 0 ? [...warnings.slice(0, MAX_WARNINGS), `${more} more unknown names`] : warnings;
}

function suggestion(known: string | undefined): string {
  return known === undefined ? ' has no effect' : ` has no effect: did you mean ${known}?`;
}

interface UnknownField {
  path: string;
  /** The name of a field beside it. */
  known: string | undefined;
}

function unknownFields(
  type: ConfigClass,
  values: Record<string, unknown>,
  parent: string,
  others: ReadonlySet<string> = new Set(),
): UnknownField[] {
  const fields = new Map(fieldsOf(type).map((field) => [field.name, field]));
  return Object.entries(values).flatMap(([name, value]) => {
    const path = parent === '' ? printable(name) : `${parent}.${printable(name)}`;
    const field = fields.get(name);
    if (field !== undefined) return unknownInside(field.shape, value, path);
    return others.has(name) ? [] : [{ path, known: nearestName(name.toLowerCase(), fields.keys()) }];
  });
}

function unknownInside(shape: FieldShape, value: unknown, path: string): UnknownField[] {
  if (shape.kind === 'section' && isJsonObject(value)) return unknownFields(shape.type, value, path);
  if (shape.kind !== 'list' || !Array.isArray(value)) return [];
  return value.flatMap((item, index) => unknownInside(shape.item, item, `${path}[${index}]`));
}

function unknownVariables(env: Environment): { variable: string; known: string | undefined }[] {
  const known = [...variablesOf(AppConfig, 'OH'), ...OTHER_VARIABLES];
  const names = new Set(known);
  return Object.keys(env)
    .filter((name) => name.startsWith('OH_') && env[name] !== undefined)
    .sort()
    .flatMap((variable) => {
      const indexes = variable.match(INDEX) ?? [];
      const template = variable.replace(INDEX, ANY_INDEX);
      if (names.has(template.replace(/_IS_NONE$/, ''))) return [];
      let next = 0;
      const nearest = nearestName(template, known)?.replaceAll(ANY_INDEX, () => indexes[next++] ?? '_0');
      return [{ variable, known: nearest }];
    });
}

/** The variables of a group and of all groups in it. */
function variablesOf(type: ConfigClass, prefix: string): string[] {
  return fieldsOf(type).flatMap(({ name, shape }) =>
    variablesOfShape(shape, `${prefix}_${name.toUpperCase()}`),
  );
}

function variablesOfShape(shape: FieldShape, variable: string): string[] {
  switch (shape.kind) {
    case 'section':
      return [variable, ...variablesOf(shape.type, variable)];
    case 'list':
      return [variable, ...variablesOfShape(shape.item, `${variable}${ANY_INDEX}`)];
    default:
      return [variable];
  }
}

/** A name from outside, safe for a line of a log. */
function printable(name: string): string {
  const text = /^[\w$-]+$/.test(name) ? name : JSON.stringify(name);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
