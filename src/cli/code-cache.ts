import { readFileSync, statSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import path from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';

/**
 * The file for V8's compiled code of a bundled file. Its name holds the processor architecture and V8's tag
 * for its version and flags. V8 rejects code that does not fit and compiles the file instead.
 */
export function codeCacheOf(file: string): string {
  return `${file}.${process.arch}-${cachedDataVersionTag()}.cache`;
}

/** Loads files with one extension, as Node's `require.extensions` does. */
type Loader = (module: NodeJS.Module, file: string) => void;

/**
 * Makes `require` load `.cjs` files with their code cache, if there is one. `require.extensions` is
 * deprecated for compiling other languages, but Node documents that it will not be removed.
 */
export function useCodeCaches(require: NodeJS.Require): void {
  // Node maps stack traces to sources only for files that it loads itself.
  if (process.sourceMapsEnabled) return;
  const loaders: NodeJS.Dict<Loader> = Reflect.get(require, 'extensions');
  const loadAsUsual = loaders['.js'];
  loaders['.cjs'] = (module, file) => {
    const cache = codeCacheOf(file);
    if (isUpToDate(cache, file)) runScript(module, file, cache);
    else loadAsUsual?.(module, file);
  };
}

/** Compares modification times: V8 itself checks only the length of the source. */
function isUpToDate(cache: string, file: string): boolean {
  const made = statSync(cache, { throwIfNoEntry: false });
  return made !== undefined && made.mtimeMs >= statSync(file).mtimeMs;
}

/** What Node puts around the source of a CommonJS module. */
const [BEFORE = '', BEHIND = ''] = Module.wrap('\0').split('\0');

/**
 * Reads a bundled file, with Node's wrapper, into one string outside of V8's heap. The bundle is ASCII. As
 * UTF-8 and joined as strings, its source is in the heap twice, until the first full garbage collection.
 */
function readWrapped(file: string): string {
  return Buffer.concat([Buffer.from(BEFORE), readFileSync(file), Buffer.from(BEHIND)]).toString('latin1');
}

/**
 * Runs a bundled file as a CommonJS module.
 * @param cache the file of its compiled code; without one V8 compiles the source
 * @returns the script; call `createCachedData` on it after its functions have run
 */
export function runScript(module: NodeJS.Module, file: string, cache?: string): Script {
  const cachedData = cache === undefined ? undefined : readFileSync(cache);
  const script = new Script(readWrapped(file), { filename: file, cachedData });
  const body: unknown = script.runInThisContext();
  if (typeof body === 'function') {
    const scope = [module.exports, createRequire(file), module, file, path.dirname(file)];
    Reflect.apply(body, module.exports, scope);
  }
  return script;
}
