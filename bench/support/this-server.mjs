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
  const [, , ...words] = start.split(' ');
  const main = fileURLToPath(new URL(words.at(-1), root));
  return [process.execPath, ...words.slice(0, -1), ...options, main];
}
