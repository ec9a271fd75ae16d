import path from 'node:path';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { isJsonObject } from '../json/index.js';
import { AppConfig, type ListenAddress } from './app-config.js';
import { ConfigOrigin } from './config-origin.js';
import { ConfigError, describeValue, withoutCredentials, type ConfigProblem } from './config-error.js';
import { fieldsOf, type ConfigClass, type FieldShape } from './config-field.js';
import { readConfigFile, type ConfigFile } from './config-file.js';
import { validateIngress, validateOrigins } from './validate-origins.js';
import { validateShellEnvironment } from './validate-shell-environment.js';
import { validateContainers } from './validate-containers.js';
import { validateWebhooks } from './validate-webhooks.js';
import { overlay, readEnvironment, type Environment } from './environment.js';
import { readKeyFiles } from './key-files.js';
import { describeUnknownNames } from './unknown-names.js';

/** Sources of a configuration. */
interface ConfigInput {
  env: Environment;
  /** Base of relative paths (absolute path). */
  cwd: string;
  listen?: ListenAddress;
  /** Folder of the web UI from the command line; null: no web UI. */
  ui?: string | null;
  /** Folder of the web UI that is served if the configuration says nothing about one. */
  installedUi?: string;
  /** Settings of an init request. They replace all others; null leaves an option unchanged. */
  settings?: Readonly<Record<string, unknown>>;
}

/** A configuration and what the log says about it at start. */
export interface LoadedConfig {
  config: AppConfig;
  /** Name of the configuration file, and whether it exists. */
  file: Pick<ConfigFile, 'name' | 'exists'>;
  /** Environment variables that set an option, sorted. */
  variables: string[];
  /** What has no effect. */
  warnings: string[];
}

const PREFIX = 'OH';
/** A lease should last for so many statements that are as slow as they may be: it has two heartbeats. */
const MIN_LEASE = 2;
const OLDER_KEY = `${PREFIX}_SESSION_API_KEY`;
/** Name of the init request as a source in messages. */
const SETTINGS = 'POST /api/init';

/**
 * Loads the configuration: defaults, overridden by the file, the environment, and the settings of an init
 * request.
 * @throws ConfigError with all mistakes
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const { env: given, cwd, listen, ui, installedUi, settings = {} } = input;
  const file = readConfigFile(given, cwd);
  const { env, files: keyFiles, problems: keyProblems, variableOf } = readKeyFiles(given, cwd);
  const environment = readEnvironment(AppConfig, PREFIX, env);
  const inFile = withoutReplaced(convertOlderKey(withOlderKey(file.values, env)), env);
  const merged = overlay(inFile, environment.values);
  const chosen = Object.entries(settings).filter(([, value]) => value !== null);
  const known = isJsonObject(merged)
    ? pickFields(AppConfig, withHookDefaults({ ...merged, ...Object.fromEntries(chosen) }))
    : {};
  for (const [name] of chosen) environment.sources.set(name, SETTINGS);
  const config = plainToInstance(AppConfig, known);
  const keySource = env[OLDER_KEY] === undefined ? [] : [OLDER_KEY];
  const sourceOf = (path: string) =>
    nearestSource(path, environment.sources) ??
    (path === 'session_api_keys[0]' ? keySource[0] : undefined) ??
    file.name;

  const problems = [
    ...keyProblems,
    ...environment.problems,
    ...validate(config, sourceOf),
    ...refuseBlankKeys(config, env, sourceOf),
  ];
  const warnings = [...describeUnknownNames(file, given), ...describeShortLease(config)];
  if (problems.length > 0) {
    throw new ConfigError(
      problems.map((it) => asWritten(it, file)),
      warnings,
    );
  }

  const variables = [...environment.sources.values(), ...keySource, ...fillInKeys(config, env)];
  config.base_dir = cwd;
  config.secretFiles = [path.resolve(cwd, file.name), ...keyFiles];
  config.origin = new ConfigOrigin({
    file,
    inFile,
    inVariables: environment.values,
    variableAt: (path) => {
      const name = nearestSource(path, environment.sources);
      return name === undefined ? undefined : variableOf(name);
    },
    warnings,
  });
  for (const [name] of chosen) config.origin.set(name, { kind: 'init', name: SETTINGS });
  noteKeySources(config, env, variableOf);
  if (listen !== undefined) config.listen = listen;
  if (ui !== undefined) {
    config.ui_path = ui;
    config.origin.set('ui_path', { kind: 'command_line', name: ui === null ? '--no-ui' : '--ui' });
  }
  if (ui === undefined && known['ui_path'] === undefined && config.static_files_path === null)
    config.ui_path = installedUi ?? null;
  return { config, file, variables: [...new Set(variables.map(variableOf))].sort(), warnings };
}

/** A lease is renewed by statements, each of which may take its time. */
function describeShortLease(config: AppConfig): string[] {
  const { database_url, server_lease_seconds: lease, database_timeout_seconds: timeout } = config;
  if (database_url === null || lease >= MIN_LEASE * timeout) return [];
  return [
    `server_lease_seconds (${lease}) is less than twice database_timeout_seconds (${timeout}): a database that is slow, ` +
      'but answers in time, can end the lease of this server and stop its runs',
  ];
}

/** Adds the key of the older variable. It must not be ignored, or the server would be open. */
function withOlderKey(values: Record<string, unknown>, env: Environment): Record<string, unknown> {
  const key = env[OLDER_KEY];
  return key === undefined ? values : { ...values, session_api_key: key };
}

/** Reports a mistake in the key of the older `session_api_key` under that name. */
function asWritten(problem: ConfigProblem, { name, values }: ConfigFile): ConfigProblem {
  const isOlderKey = problem.path === 'session_api_keys[0]' && problem.source === name;
  return isOlderKey && 'session_api_key' in values ? { ...problem, path: 'session_api_key' } : problem;
}

/** Converts the older `session_api_key` of the file. */
function convertOlderKey(values: Record<string, unknown>): Record<string, unknown> {
  const { session_api_key: key, ...rest } = values;
  const translated = { ...rest };
  if (key !== undefined && key !== null) {
    const keys: unknown = rest['session_api_keys'] ?? [];
    translated['session_api_keys'] = Array.isArray(keys) ? [key].concat(keys) : keys;
  }
  return translated;
}

/**
 * Removes lists that a variable replaces as a whole: a list of permissions must not keep items that it does
 * not name.
 */
function withoutReplaced(values: Record<string, unknown>, env: Environment): Record<string, unknown> {
  const replaced = fieldsOf(AppConfig).filter(
    ({ name, shape }) =>
      shape.kind === 'list' && shape.replaces && env[`${PREFIX}_${name.toUpperCase()}`] !== undefined,
  );
  const names = new Set(replaced.map(({ name }) => name));
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.has(name)));
}

/** Webhooks in the older spelling have another default. */
function withHookDefaults(values: Record<string, unknown>): Record<string, unknown> {
  const { webhooks } = values;
  if (!Array.isArray(webhooks)) return values;
  const complete = webhooks.map((hook: unknown) =>
    isJsonObject(hook) && isFilledText(hook['webhook_url']) ? { event_buffer_size: 10, ...hook } : hook,
  );
  return { ...values, webhooks: complete };
}

function isFilledText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

/** Removes undeclared options and sets blank optional texts to null. */
function pickFields(type: ConfigClass, values: Record<string, unknown>): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const { name, shape, nullable } of fieldsOf(type)) {
    const value = values[name];
    if (value === undefined) continue;
    const isText = shape.kind === 'text' || shape.kind === 'url';
    const blank = nullable && isText && typeof value === 'string' && value.trim() === '';
    picked[name] = blank ? null : pickShape(shape, value);
  }
  return picked;
}

function pickShape(shape: FieldShape, value: unknown): unknown {
  if (shape.kind === 'list' && Array.isArray(value)) return value.map((item) => pickShape(shape.item, item));
  return shape.kind === 'section' && isJsonObject(value) ? pickFields(shape.type, value) : value;
}

function validate(config: AppConfig, sourceOf: (path: string) => string): ConfigProblem[] {
  const problems = validateSync(config).flatMap((error) => describe(error, '', AppConfig, sourceOf));
  return [
    ...problems,
    ...validateOrigins(config, sourceOf),
    ...validateIngress(config, sourceOf),
    ...validateShellEnvironment(config, sourceOf),
    ...validateWebhooks(config, sourceOf),
    ...validateContainers(config, sourceOf),
  ];
}

function describe(
  error: ValidationError,
  parent: string,
  type: ConfigClass,
  sourceOf: (path: string) => string,
): ConfigProblem[] {
  const isIndex = /^\d+$/.test(error.property);
  const path = isIndex ? `${parent}[${error.property}]` : joinPath(parent, error.property);
  const field = fieldsOf(type).find(({ name }) => name === error.property);
  const inner = isIndex ? type : (sectionType(field?.shape) ?? type);
  if (error.children !== undefined && error.children.length > 0) {
    return error.children.flatMap((child) => describe(child, path, inner, sourceOf));
  }
  const secret = field?.secret ?? false;
  const value: unknown = error.value;
  if (field?.shape.kind === 'list' && Array.isArray(value)) {
    const ofGroups = field.shape.item.kind === 'section';
    const index = value.findIndex((item) => (ofGroups ? !isJsonObject(item) : typeof item !== 'string'));
    const at = `${path}[${index}]`;
    const found = describeValue(value[index], secret);
    const expected = ofGroups ? 'an object' : 'a string';
    // Only variables can leave a gap; JSON has none.
    const source = value[index] === undefined ? variableOfItem(at) : sourceOf(at);
    return [{ path: at, expected, found, source }];
  }
  const isUrl = field?.shape.kind === 'url' && typeof value === 'string';
  const found = describeValue(isUrl ? withoutCredentials(value) : value, secret);
  if (isIndex) return [{ path, expected: 'an object', found, source: sourceOf(path) }];
  const expected = Object.values(error.constraints ?? {})[0] ?? field?.expected ?? 'something else';
  return [{ path, expected, found, source: sourceOf(path) }];
}

function sectionType(shape: FieldShape | undefined): ConfigClass | undefined {
  if (shape?.kind === 'section') return shape.type;
  return shape?.kind === 'list' ? sectionType(shape.item) : undefined;
}

/** A list of blank keys only would open a server that was meant to be protected. */
function refuseBlankKeys(
  config: AppConfig,
  env: Environment,
  sourceOf: (path: string) => string,
): ConfigProblem[] {
  const keys: unknown = config.session_api_keys;
  const isBlank = (key: unknown) => typeof key === 'string' && key.trim() === '';
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isBlank)) return [];
  if (notBlank(env['SESSION_API_KEY']) !== undefined) return [];
  const path = 'session_api_keys[0]';
  const expected = 'a key (leave the option out to run without keys)';
  return [{ path, expected, found: 'an empty string', source: sourceOf(path) }];
}

/** Drops blank keys and applies defaults from other variables. @returns those variables */
function fillInKeys(config: AppConfig, env: Environment): string[] {
  const sessionKey = notBlank(env['SESSION_API_KEY']);
  const isFilled = (key: string) => key.trim() !== '';
  config.session_api_keys = config.session_api_keys.filter(isFilled);
  config.previous_secret_keys = config.previous_secret_keys.filter(isFilled);
  const usesSessionKey = sessionKey !== undefined && config.session_api_keys.length === 0;
  if (usesSessionKey) config.session_api_keys = [sessionKey];
  config.secret_key ??=
    sessionKey ?? notBlank(env['OH_SESSION_API_KEYS_0']) ?? notBlank(env[OLDER_KEY]) ?? null;
  return usesSessionKey ? ['SESSION_API_KEY'] : [];
}

/** Records where keys come from that variables with other names have set. */
function noteKeySources(config: AppConfig, env: Environment, variableOf: (name: string) => string): void {
  const { origin } = config;
  const isFrom = (name: string, value: string | null | undefined): boolean =>
    value !== null && value !== undefined && notBlank(env[name]) === value;
  const note = (path: string, names: readonly string[], value: string | null | undefined): void => {
    if (origin.sourceOf(path).kind !== 'default') return;
    const name = names.find((it) => isFrom(it, value));
    if (name !== undefined) origin.set(path, { kind: 'variable', name: variableOf(name) });
  };
  const others = ['SESSION_API_KEY', OLDER_KEY];
  // The older variable is read as if it were in the file.
  if (env[OLDER_KEY] !== undefined && config.session_api_keys[0] === env[OLDER_KEY])
    origin.set('session_api_keys', { kind: 'variable', name: OLDER_KEY });
  note('session_api_keys', others, config.session_api_keys[0]);
  note('secret_key', ['SESSION_API_KEY', 'OH_SESSION_API_KEYS_0', OLDER_KEY], config.secret_key);
}

/** The variable that set an option, or the group or list that contains it. */
function nearestSource(path: string, sources: ReadonlyMap<string, string>): string | undefined {
  for (let at = path; at !== ''; at = at.replace(/(\[\d+\]|(^|\.)[^.[\]]+)$/, '')) {
    const source = sources.get(at);
    if (source !== undefined) return source;
  }
  return undefined;
}

/** The variable for a path. */
function variableOfItem(path: string): string {
  return `${PREFIX}_${path.replaceAll(/[[.]/g, '_').replaceAll(']', '').toUpperCase()}`;
}

function joinPath(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}

function notBlank(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text;
}
