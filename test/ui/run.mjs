/**
 * Tests the pages in headless Chromium: the fetched web UI (`canvas.mjs`) and the console (`console.mjs`).
 * Not part of `npm test`, because it needs Chromium. Without it, or without the fetched UI, a script ends
 * with `skipped` and the reason. The last line is `N passed, N failed`.
 *
 *     npm run test:ui                      both
 *     npm run test:ui -- console           one of them
 *     npm run test:ui -- console home new  some files of `test/ui/console/`
 *     npm run test:ui -- canvas FOLDER     another build of the web UI
 *
 * `SCREENSHOTS=FOLDER` keeps screenshots of all views of the console.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SCRIPTS = ['canvas', 'console'];
const CLOSING_LINE = /^(\d+) passed, (\d+) failed$/gm;

const [chosen, ...options] = process.argv.slice(2);
if (chosen !== undefined && !SCRIPTS.includes(chosen)) {
  console.error(`Usage: npm run test:ui [-- canvas [folder] | -- console [names]], not ${chosen}`);
  process.exit(2);
}
const totals = { passed: 0, failed: 0 };
for (const script of chosen === undefined ? SCRIPTS : [chosen]) await run(script);
console.log(`${totals.passed} passed, ${totals.failed} failed`);

async function run(script) {
  console.log(`--- ${script}`);
  const file = fileURLToPath(new URL(`${script}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [file, ...options], { stdio: ['inherit', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  const [code] = await once(child, 'close');
  const [, passed = 0, failed = 0] = [...output.matchAll(CLOSING_LINE)].at(-1) ?? [];
  totals.passed += Number(passed);
  // A script that dies has no closing line.
  totals.failed += code === 0 ? 0 : Math.max(1, Number(failed));
  if (code !== 0) process.exitCode = 1;
}
