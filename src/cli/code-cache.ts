import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import path from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';

/**
 * Where the compiled code of a file of the bundle is kept: beside it, for one version of V8, its flags and
 * this kind of processor. V8 itself refuses what does not fit; then the file is compiled as if there were
 * none.
 */
export function codeCacheOf(file: string): string {
  return `${file}.${process.arch}-${cachedDataVersionTag()}.cache`;
}

/** How Node loads a kind of files. */
type Loader = (module: NodeJS.Module, file: string) => void;

/**
 * From now on `.cjs` files that have their compiled code beside them are not compiled again when they are
 * required. `require.extensions` is called deprecated, since it was used to compile other languages; it stays
 * in Node, as it says itself.
 */
export function useCodeCaches(require: NodeJS.Require): void {
  // Whoever asks for lines of the sources gets them: Node reads source maps only of what it compiles itself.
  if (process.sourceMapsEnabled) return;
  const loaders: NodeJS.Dict<Loader> = Reflect.get(require, 'extensions');
  const loadAsUsual = loaders['.js'];
  loaders['.cjs'] = (module, file) => {
    const cache = codeCacheOf(file);
    if (isUpToDate(cache, file)) runScript(module, file, cache);
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
 * @param cache the file of its compiled code, where there is one
 * @returns what `createCachedData` makes the compiled code of, once everything has run that a start runs
 */
export function runScript(module: NodeJS.Module, file: string, cache?: string): Script {
  const cachedData = cache === undefined ? undefined : readBetween('', cache, '');
  const source = readBetween(BEFORE, file, BEHIND);
  const script = new Script(source.toString('latin1'), { filename: file, cachedData });
  for (const bytes of [cachedData, source]) if (bytes) release(bytes);
  const body: unknown = script.runInThisContext();
  if (typeof body === 'function') {
    const surroundings = [module.exports, createRequire(file), module, file, path.dirname(file)];
    Reflect.apply(body, module.exports, surroundings);
  }
  return script;
}

/** What stands around a module, which gives it `module`, `require` and so on. */
const [BEFORE = '', BEHIND = ''] = Module.wrap('\0').split('\0');

/** Reads a file between two texts, in one piece: strings that are joined later lie in memory twice. */
function readBetween(before: string, file: string, behind: string): Buffer {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    // Not of the pool that all buffers share: it can be given back.
    const bytes = Buffer.allocUnsafeSlow(before.length + size + behind.length);
    let end = bytes.write(before, 'latin1');
    for (let read = -1; read !== 0; end += read)
      read = readSync(fd, bytes, end, before.length + size - end, null);
    end += bytes.write(behind, end, 'latin1');
    return bytes.subarray(0, end);
  } finally {
    closeSync(fd);
  }
}

/**
 * Gives the memory of a buffer back at once, where Node can (from 22 on): it is megabytes, and the collector
 * comes late.
 */
function release({ buffer }: Buffer): void {
  const transfer: unknown = Reflect.get(buffer, 'transfer');
  if (typeof transfer === 'function') Reflect.apply(transfer, buffer, [0]);
}
