// The third step of `npm run build`: starts the bundled server in an empty folder, lets one agent work in it, and writes beside
// each file of the bundle what V8 has compiled of it by then, so that later starts compile nothing. A Node with another V8
// compiles as usual. Why: docs/decisions/0010-compiled-code-beside-the-bundle.md
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { codeCacheOf, runScript } from '../dist/cli/code-cache.js';

/** How long the agent may take before the build gives up on it (ms). */
const PATIENCE_MS = 60_000;

const bundle = fileURLToPath(new URL('../dist/bundle/', import.meta.url));
for (const name of await readdir(bundle)) if (name.endsWith('.cache')) await rm(path.join(bundle, name));

const scripts = new Map();
const require = createRequire(import.meta.url);
const loadAsUsual = require.extensions['.js'];
require.extensions['.cjs'] = (module, file) => {
  if (file.startsWith(bundle)) scripts.set(file, runScript(module, file));
  else loadAsUsual(module, file);
};

const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-build-'));
process.chdir(folder);
// Nothing of whoever builds this is read or written, and nothing is said.
for (const name of Object.keys(process.env)) if (name !== 'PATH') delete process.env[name];
Object.assign(process.env, { HOME: folder, LOG_LEVEL: 'error', OH_SECRET_KEY: 'of the build' });
process.once('exit', () => require('node:fs').rmSync(folder, { recursive: true, force: true }));

const port = await freePort();
const { run } = require(path.join(bundle, 'program.cjs'));
await run('', ['--host', '127.0.0.1', '--port', String(port)]);
await work();
for (const [file, script] of scripts) await writeFile(codeCacheOf(file), script.createCachedData());
console.log(`Compiled: ${scripts.size} files`);
process.kill(process.pid, 'SIGTERM');

/** What most servers do soon after their start. */
async function work() {
  const { id } = await request('POST', '/api/conversations', {
    agent: { llm: { model: 'scripted/build' }, tools: [{ name: 'terminal' }, { name: 'file_editor' }] },
    workspace: { working_dir: path.join(folder, 'project') },
    initial_message: { content: [{ type: 'text', text: 'RUN: true\nFINISH: done' }] },
  });
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const { execution_status: status } = await request('GET', `/api/conversations/${id}`);
    if (status === 'finished') return;
    if (status === 'error' || Date.now() > end) throw new Error(`the agent of the build ended as ${status}`);
    await sleep(20);
  }
}

async function request(method, route, body) {
  const response = await fetch(`http://127.0.0.1:${port}${route}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!response.ok)
    throw new Error(`${method} ${route} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

async function freePort() {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port: free } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return free;
}
