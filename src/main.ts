#!/usr/bin/env node
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { useCodeCaches } from './cli/code-cache.js';
import type * as Program from './program.js';

enableCompileCache();
const { run } = await loadProgram();
await run(process.argv.slice(2));

/** Loads the bundle (docs/decisions/0010) if this file is part of one, else the separate modules. */
async function loadProgram(): Promise<typeof Program> {
  const bundle = fileURLToPath(new URL('program.cjs', import.meta.url));
  if (!existsSync(bundle)) return import('./program.js');
  const require = createRequire(import.meta.url);
  useCodeCaches(require);
  // The bundle is built from that module.
  return require(bundle) as typeof Program;
}

/** Lets Node (22.8 and newer) cache compiled code of files without a code cache in its temporary folder. */
function enableCompileCache(): void {
  const enable: unknown = Reflect.get(module, 'enableCompileCache');
  if (typeof enable === 'function') Reflect.apply(enable, module, []);
}
