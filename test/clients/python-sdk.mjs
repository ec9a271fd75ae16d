/**
 * Uses all features of the Python SDK of OpenHands against a new server (python-sdk-day.py has the steps).
 * Not part of `npm test`: it needs Python 3.12 and the SDK.
 *
 *     python3 -m venv /tmp/sdk && /tmp/sdk/bin/pip install openhands-sdk==1.58.2 openhands-tools==1.58.2
 *     npm run build && node test/clients/python-sdk.mjs [path of python]
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runBesideServer } from '../support/with-server.mjs';

const DAY = fileURLToPath(new URL('./python-sdk-day.py', import.meta.url));
const KEY = 'a-session-key';

const [python = '/tmp/sdk/bin/python'] = process.argv.slice(2);
// Keeps the SDK from fetching a list of prices.
const environment = { ...process.env, OPENHANDS_SUPPRESS_BANNER: '1', LITELLM_LOCAL_MODEL_COST_MAP: 'True' };
if (spawnSync(python, ['-c', 'import openhands.sdk'], { env: environment }).status !== 0) {
  console.log(`skipped: ${python} has no openhands-sdk; this file says how to install it`);
  process.exit(0);
}

await runBesideServer('python-sdk', { SESSION_API_KEY: KEY }, async (url, folder) => {
  const work = path.join(folder, 'work');
  await mkdir(work);
  return spawn(python, [DAY, url, KEY, work], { cwd: folder, env: environment, stdio: 'inherit' });
});
