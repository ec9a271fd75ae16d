import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
/** What people start: `exec node --option ... scripts/start.mjs`, which checks the build and runs it. */
const { start } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).scripts;

/**
 * The command that starts this server as `npm start` does, with the current Node.
 * @param options additional options of Node
 */
export function thisServer(options = []) {
  const [, nodeOptions] = /^exec node((?: --\S+)*) scripts\/start\.mjs$/.exec(start) ?? [];
  if (nodeOptions === undefined) throw new Error(`npm start runs something else: ${start}`);
  const own = nodeOptions.split(' ').filter((option) => option !== '');
  return [process.execPath, ...own, ...options, fileURLToPath(new URL('dist/main.js', root))];
}
