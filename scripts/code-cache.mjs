// The third step of `npm run build`: starts the bundled server in a folder in which an agent has worked
// before, looks at that work, lets another agent work, and writes beside each file of the bundle what V8 has
// compiled of it by then, so that later starts compile nothing. A Node with another V8 compiles as usual.
// Why: docs/decisions/0010-compiled-code-beside-the-bundle.md
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { codeCacheOf, runScript } from '../dist/cli/code-cache.js';
import { startBuildModel } from './build-model.mjs';

/** How long the agent may take before the build gives up on it (ms). */
const PATIENCE_MS = 60_000;

const bundle = fileURLToPath(new URL('../dist/bundle/', import.meta.url));
// Those of other flags stay: the build compiles for a start with and one without them.
for (const name of await readdir(bundle))
  if (name.endsWith(codeCacheOf(''))) await rm(path.join(bundle, name));

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

const model = await startBuildModel();
const port = await freePort();
const listening = ['--host', '127.0.0.1', '--port', String(port)];
const stored = await workBefore();
const { run } = require(path.join(bundle, 'program.cjs'));
await run('', listening);
await lookAt(stored);
await work();
// By another name first: V8 dies of compiled code that is damaged, as half of it may be.
for (const [file, script] of scripts) {
  await writeFile(`${codeCacheOf(file)}.new`, script.createCachedData());
  await rename(`${codeCacheOf(file)}.new`, codeCacheOf(file));
}
model.close();
console.log(`Compiled: ${scripts.size} files`);
process.kill(process.pid, 'SIGTERM');

/** Another server does its work and ends: what a restarted server finds. */
async function workBefore() {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const server = spawn(process.execPath, [main, ...listening], { stdio: 'inherit' });
  const ended = once(server, 'exit');
  try {
    await Promise.race([
      answers(),
      ended.then(() => Promise.reject(new Error('the server of the build ended'))),
    ]);
    return await work();
  } finally {
    server.kill();
    await ended;
  }
}

async function answers() {
  const end = Date.now() + PATIENCE_MS;
  while (!(await fetch(`http://127.0.0.1:${port}/alive`).catch(() => undefined))?.ok) {
    if (Date.now() > end) throw new Error('the server of the build does not answer');
    await sleep(20);
  }
}

/** What people ask for first after a restart. */
async function lookAt(id) {
  await request('GET', '/alive');
  await request('GET', `/api/conversations/${id}/events/search?limit=100`);
  await request('GET', `/api/conversations/${id}/events/search?kind=MessageEvent&sort_order=TIMESTAMP_DESC`);
  await request('GET', `/api/conversations/${id}/events/count`);
  await request('GET', `/api/conversations/${id}`);
  await request('GET', '/api/conversations/search?limit=20');
  const socket = new WebSocket(`ws://127.0.0.1:${port}/sockets/events/${id}?resend_all=true`);
  await once(socket, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) });
  socket.close();
  const content = [{ type: 'text', text: 'hello' }];
  await request('POST', `/api/conversations/${id}/events`, { role: 'user', content, run: false });
}

/** What most servers do soon after their start; answers a conversation's id. */
async function work() {
  const [id] = await Promise.all([workWith(false), workWith(true)]);
  return id;
}

/** @param stream whether the model's answers come in pieces */
async function workWith(stream) {
  const llm = { model: 'openai/build', base_url: model.url, api_key: 'of the build', stream };
  const { id } = await request('POST', '/api/conversations', {
    agent: { llm, tools: [{ name: 'terminal' }, { name: 'file_editor' }] },
    workspace: { working_dir: path.join(folder, 'project') },
    initial_message: { content: [{ type: 'text', text: 'hello' }] },
  });
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const { execution_status: status } = await request('GET', `/api/conversations/${id}`);
    if (status === 'finished') return id;
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
