import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
/** The documented start command: `exec node --option ... dist/main.js`. */
const { start } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).scripts;

/**
 * The command that starts this server as `npm start` does, with the current Node.
 * @param options additional options of Node
 */
export function thisServer(options = []) {
  const [, nodeOptions, program] = /^exec node((?: --\S+)*) (\S+\.js)$/.exec(start) ?? [];
  if (program === undefined) throw new Error(`npm start runs something else: ${start}`);
  const own = nodeOptions.split(' ').filter((option) => option !== '');
  return [process.execPath, ...own, ...options, fileURLToPath(new URL(program, root))];
}
