import { readFileSync } from 'node:fs';
import path from 'node:path';
import { errorCode, errorMessage } from '../errors/index.js';
import { isJsonObject } from '../json/index.js';
import { ConfigError, describeValue } from './config-error.js';
import { type Environment } from './environment.js';

/** Read when the variable names no file, relative to the current folder. */
const DEFAULT_CONFIG_FILE = 'workspace/openhands_agent_server_config.json';
const VARIABLE = 'OPENHANDS_AGENT_SERVER_CONFIG_PATH';

/** The configuration file as it was read. */
export interface ConfigFile {
  /** As configured, for messages. */
  name: string;
  exists: boolean;
  values: Record<string, unknown>;
}

/**
 * Reads the file named by `OPENHANDS_AGENT_SERVER_CONFIG_PATH` or the default one, which may be missing.
 * @throws ConfigError if the named file does not exist, cannot be read, or is not a JSON object
 */
export function readConfigFile(env: Environment, cwd: string): ConfigFile {
  const configured = env[VARIABLE];
  const isNamed = configured !== undefined && configured.trim() !== '';
  const name = isNamed ? configured : DEFAULT_CONFIG_FILE;
  const text = readText(path.resolve(cwd, name), name);
  if (text === undefined) {
    if (isNamed) throw unusable(VARIABLE, `a file at ${path.resolve(cwd, name)}`, 'no such file');
    return { name, exists: false, values: {} };
  }
  const values = parse(text, name);
  if (!isJsonObject(values)) throw unusable(name, 'a JSON object', describeValue(values, true));
  return { name, exists: true, values };
}

function readText(file: string, name: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return undefined;
    throw unusable(name, 'a readable file', code === 'EISDIR' ? 'a folder' : `the error ${String(code)}`);
  }
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw unusable(name, 'valid JSON', describeSyntax(errorMessage(error), text));
  }
}

/** V8's message and the line, without the quoted piece of the file, which may contain a key. */
function describeSyntax(message: string, text: string): string {
  const [what = ''] = message.split(/, (?:\.\.\.)?"| in JSON at position/, 1);
  const position = /at position (\d+)/.exec(message)?.[1];
  const lower = `"${what}"`;
  if (position === undefined) return lower;
  return `${lower} in line ${text.slice(0, Number(position)).split('\n').length}`;
}

function unusable(name: string, expected: string, found: string): ConfigError {
  return new ConfigError([{ path: '', expected, found, source: name }]);
}
