#!/usr/bin/env node
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { useCodeCaches } from './cli/code-cache.js';
import type * as Program from './program.js';

keepCompiledCode();
const main = fileURLToPath(import.meta.url);
const { run } = await loadProgram();
await run(main, process.argv.slice(2));

/** The bundle, where the build has made one (docs/decisions/0010), else the modules as they are. */
async function loadProgram(): Promise<typeof Program> {
  const bundle = fileURLToPath(new URL('bundle/program.cjs', import.meta.url));
  if (!existsSync(bundle)) return import('./program.js');
  const require = createRequire(import.meta.url);
  useCodeCaches(require);
  // Made of that module.
  return require(bundle) as typeof Program;
}

/**
 * Keeps the code of what has no cache beside it in the temporary folder, for the next time. Node has this
 * from 22.8.
 */
function keepCompiledCode(): void {
  const enable: unknown = Reflect.get(module, 'enableCompileCache');
  if (typeof enable === 'function') Reflect.apply(enable, module, []);
}
