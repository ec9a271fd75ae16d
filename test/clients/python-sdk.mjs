/**
 * A day's work with the Python SDK of OpenHands against a fresh server of ours (python-sdk-day.py says what it does). Not a
 * part of `npm test`: it needs Python 3.12 and the SDK.
 *
 *     python3 -m venv /tmp/sdk && /tmp/sdk/bin/pip install openhands-sdk==1.58.2 openhands-tools==1.58.2
 *     npm run build && node test/clients/python-sdk.mjs [path of python]
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const DAY = fileURLToPath(new URL('./python-sdk-day.py', import.meta.url));
const KEY = 'a-session-key';

const [python = '/tmp/sdk/bin/python'] = process.argv.slice(2);
// The price list that the SDK would fetch is of no use here.
const environment = { ...process.env, OPENHANDS_SUPPRESS_BANNER: '1', LITELLM_LOCAL_MODEL_COST_MAP: 'True' };
if (spawnSync(python, ['-c', 'import openhands.sdk'], { env: environment }).status !== 0) {
  console.log(`skipped: ${python} has no openhands-sdk; this file says how to install it`);
  process.exit(0);
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'python-sdk-'));
const work = path.join(folder, 'work');
await mkdir(work);
const server = spawn(process.execPath, [MAIN, '--host', '127.0.0.1', '--port', '0'], {
  cwd: folder,
  env: { ...process.env, SESSION_API_KEY: KEY },
});
try {
  const url = await address(server);
  const day = spawn(python, [DAY, url, KEY, work], { cwd: folder, env: environment, stdio: 'inherit' });
  const [code] = await once(day, 'exit');
  process.exitCode = code ?? 1;
} finally {
  const ended = once(server, 'exit');
  server.kill();
  await ended;
  await rm(folder, { recursive: true, force: true });
}

/** Where a server that is starting can be reached. */
function address(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    const look = (chunk) => {
      output += chunk;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`the server ended: ${output}`)));
  });
}
