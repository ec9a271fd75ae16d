// `npm start` and `npm run ui`: run the current build in this process, after making one if the sources have
// changed. Whatever is said about that goes to stderr: stdout is for the answers of `--help` and
// `--check-config`, and the log.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { build, BuildError } from './build.mjs';
import { currentBuild, hasEntry, idOfSources, isBuilt } from './builds.mjs';

if (!(await isUpToDate())) await buildFirst();
await import('../dist/main.js');

async function isUpToDate() {
  const id = await idOfSources();
  return (await currentBuild()) === id && (await isBuilt(id)) && (await hasEntry());
}

async function buildFirst() {
  const taken = await takenAddress();
  if (taken !== undefined) {
    const advice = 'stop the other program or choose another port with --port';
    fail(`openhands-agent-server: port ${taken.port} on ${taken.host} is in use: ${advice}`);
  }
  try {
    const say = (text) => void process.stderr.write(text);
    await build({ checkTypes: false, say });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    fail(`failed\n${error.message}`);
  }
}

/** The address that the server is told to listen on, if another program has it: a build takes a while. */
async function takenAddress() {
  // The server checks its options; here only those matter that are right.
  const { values } = parseArgs({
    strict: false,
    options: {
      host: { type: 'string', default: '0.0.0.0' },
      port: { type: 'string', short: 'p', default: '8000' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
      'check-config': { type: 'boolean' },
      'fetch-ui': { type: 'boolean' },
    },
  });
  if (values.help || values.version || values['check-config'] || values['fetch-ui']) return undefined;
  const { host, port } = values;
  if (typeof host !== 'string' || !/^\d{1,5}$/.test(port) || Number(port) > 65_535) return undefined;
  const server = createServer();
  try {
    await once(server.listen(Number(port), host), 'listening');
    return undefined;
  } catch (error) {
    return error.code === 'EADDRINUSE' ? { host, port } : undefined;
  } finally {
    if (server.listening) await once(server.close(), 'close');
  }
}

function fail(text) {
  console.error(text);
  process.exit(1);
}
