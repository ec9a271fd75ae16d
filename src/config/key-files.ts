import { readFileSync } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../errors/index.js';
import type { ConfigProblem } from './config-error.js';
import type { Environment } from './environment.js';

/** Keys that may be in a file, whose path is in `<name>_FILE`. The URL of the database has a password. */
const KEYS = ['OH_SECRET_KEY', 'SESSION_API_KEY', 'OH_DATABASE_URL', 'OH_CLUSTER_KEY'];

/** The environment with keys from files. */
interface KeyFiles {
  env: Environment;
  /** Absolute paths. */
  files: string[];
  problems: ConfigProblem[];
  /** The variable that a value came from. */
  variableOf: (name: string) => string;
}

/**
 * Reads keys from the files that `OH_SECRET_KEY_FILE` and the like name, as containers provide secrets: every
 * process of a user, including agents, can read the environment of the others. White space around a key is
 * removed.
 */
export function readKeyFiles(env: Environment, cwd: string): KeyFiles {
  const problems: ConfigProblem[] = [];
  const keys = new Map<string, string>();
  const files: string[] = [];
  for (const name of KEYS) {
    const file = env[`${name}_FILE`];
    if (file === undefined || file.trim() === '') continue;
    const refuse = (expected: string, found: string) =>
      problems.push({ path: `${name}_FILE`, expected, found, source: file });
    if ((env[name] ?? '').trim() !== '') {
      refuse(`only one of ${name} and ${name}_FILE`, 'both');
      continue;
    }
    files.push(path.resolve(cwd, file));
    const read = readText(path.resolve(cwd, file));
    if ('failure' in read) refuse('a readable file', read.failure);
    else if (read.text === '') refuse('a file with a key in it', 'an empty one');
    else if (/[\r\n\0]/.test(read.text)) refuse('a file with one key in it', 'several lines');
    else keys.set(name, read.text);
  }
  return {
    env: { ...env, ...Object.fromEntries(keys) },
    files,
    problems,
    variableOf: (name) => (keys.has(name) ? `${name}_FILE` : name),
  };
}

function readText(file: string): { text: string } | { failure: string } {
  try {
    return {
      text: readFileSync(file, 'utf8')
        .replace(/^\uFEFF/, '')
        .trim(),
    };
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return { failure: 'no such file' };
    return { failure: code === 'EISDIR' ? 'a folder' : `the error ${String(code)}` };
  }
}
