import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
/** What people start: `exec node --option ... dist/main.js`. */
const { start } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).scripts;

/**
 * The command that starts this server as `npm start` does, by the Node that runs this.
 * @param options more of Node's
 */
export function thisServer(options = []) {
  const [, nodeOptions, program] = /^exec node((?: --\S+)*) (\S+\.js)$/.exec(start) ?? [];
  if (program === undefined) throw new Error(`npm start runs something else: ${start}`);
  const own = nodeOptions.split(' ').filter((option) => option !== '');
  return [process.execPath, ...own, ...options, fileURLToPath(new URL(program, root))];
}
