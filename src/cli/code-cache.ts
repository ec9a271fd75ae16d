import { readFileSync, statSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import path from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';

/**
 * Where the compiled code of a file of the bundle is kept: beside it, for one version of V8, its flags and this kind of
 * processor. V8 itself refuses what does not fit; then the file is compiled as if there were none.
 */
export function codeCacheOf(file: string): string {
  return `${file}.${process.arch}-${cachedDataVersionTag()}.cache`;
}

/** How Node loads a kind of files. */
type Loader = (module: NodeJS.Module, file: string) => void;

/**
 * From now on `.cjs` files that have their compiled code beside them are not compiled again when they are required.
 * `require.extensions` is called deprecated, since it was used to compile other languages; it stays in Node, as it says itself.
 */
export function useCodeCaches(require: NodeJS.Require): void {
  // Whoever asks for lines of the sources gets them: Node reads source maps only of what it compiles itself.
  if (process.sourceMapsEnabled) return;
  const loaders: NodeJS.Dict<Loader> = Reflect.get(require, 'extensions');
  const loadAsUsual = loaders['.js'];
  loaders['.cjs'] = (module, file) => {
    const cache = codeCacheOf(file);
    if (isUpToDate(cache, file)) runScript(module, file, readFileSync(cache));
    else loadAsUsual?.(module, file);
  };
}

/** V8 itself looks only at the length of a changed file. */
function isUpToDate(cache: string, file: string): boolean {
  const made = statSync(cache, { throwIfNoEntry: false });
  return made !== undefined && made.mtimeMs >= statSync(file).mtimeMs;
}

/**
 * Runs a file of the bundle, which is ASCII, as a CommonJS module.
 * @param cachedData its compiled code, where there is some
 * @returns what `createCachedData` makes the compiled code of, once everything has run that a start runs
 */
export function runScript(module: NodeJS.Module, file: string, cachedData?: Buffer): Script {
  const script = new Script(Module.wrap(readFileSync(file, 'latin1')), { filename: file, cachedData });
  const body: unknown = script.runInThisContext();
  if (typeof body === 'function') {
    const surroundings = [module.exports, createRequire(file), module, file, path.dirname(file)];
    Reflect.apply(body, module.exports, surroundings);
  }
  return script;
}
