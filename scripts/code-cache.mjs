// The third step of a build: runs the bundled server in a folder with a stored conversation, reads that
// conversation, runs another agent, and stores the code that V8 has compiled by then next to each bundled
// file. Later starts load it instead of compiling. A Node with another version of V8 ignores it. Usage:
// node scripts/code-cache.mjs <folder of the build>.
// Reasons: docs/decisions/0010-compiled-code-beside-the-bundle.md
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import { startBuildModel } from './build-model.mjs';
import { freePort } from './free-port.mjs';

/** Timeout for each wait of the build (ms). */
const TIMEOUT_MS = 60_000;

if (!process.argv[2]) throw new Error('Usage: node scripts/code-cache.mjs <folder>');
const build = await realpath(process.argv[2]);
const bundle = path.join(build, 'bundle');
const { codeCacheOf, runScript } = await import(pathToFileURL(path.join(build, 'cli/code-cache.js')).href);
// Caches for other V8 flags stay: the build runs this script with and without them.
for (const name of await readdir(bundle))
  if (name.endsWith(codeCacheOf(''))) await rm(path.join(bundle, name));

const scripts = new Map();
const require = createRequire(import.meta.url);
const loadAsUsual = require.extensions['.js'];
require.extensions['.cjs'] = (module, file) => {
  if (path.dirname(file) === bundle) scripts.set(file, runScript(module, file));
  else loadAsUsual(module, file);
};

const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-build-'));
process.chdir(folder);
// Isolates the server from the environment and the home folder of the user who builds.
for (const name of Object.keys(process.env)) if (name !== 'PATH') delete process.env[name];
Object.assign(process.env, { HOME: folder, LOG_LEVEL: 'error', OH_SECRET_KEY: 'of the build' });
process.once('exit', () => require('node:fs').rmSync(folder, { recursive: true, force: true }));
// The build ends early. Later the server in this process handles the signal.
const exit = () => process.exit(1);
process.once('SIGTERM', exit);

const model = await startBuildModel();
const port = await freePort();
const listening = ['--host', '127.0.0.1', '--port', String(port)];
const stored = await storeConversation();
process.off('SIGTERM', exit);
const { run } = require(path.join(bundle, 'program.cjs'));
await run(listening);
await readStored(stored);
await runAgents();
// Renamed when complete: V8 crashes on a damaged cache.
for (const [file, script] of scripts) {
  await writeFile(`${codeCacheOf(file)}.new`, script.createCachedData());
  await rename(`${codeCacheOf(file)}.new`, codeCacheOf(file));
}
model.close();
console.log(`Compiled: ${scripts.size} files`);
process.kill(process.pid, 'SIGTERM');

/** Runs and stops another server, so that this one starts with a stored conversation. */
async function storeConversation() {
  const main = path.join(bundle, 'main.js');
  const server = spawn(process.execPath, [main, ...listening], { stdio: 'inherit' });
  const ended = once(server, 'exit');
  try {
    await Promise.race([
      waitUntilServing(),
      ended.then(() => Promise.reject(new Error('the server of the build exited'))),
    ]);
    return await runAgents();
  } finally {
    server.kill();
    await ended;
  }
}

async function waitUntilServing() {
  const end = Date.now() + TIMEOUT_MS;
  while (!(await fetch(`http://127.0.0.1:${port}/alive`).catch(() => undefined))?.ok) {
    if (Date.now() > end) throw new Error('the server of the build does not answer');
    await sleep(20);
  }
}

/** Sends the requests that clients send first after a restart. */
async function readStored(id) {
  await request('GET', '/alive');
  await request('GET', `/api/conversations/${id}/events/search?limit=100`);
  await request('GET', `/api/conversations/${id}/events/search?kind=MessageEvent&sort_order=TIMESTAMP_DESC`);
  await request('GET', `/api/conversations/${id}/events/search?body=hello`);
  await request('GET', `/api/conversations/${id}/events/count`);
  await request('GET', `/api/conversations/${id}`);
  await request('GET', '/api/conversations/search?limit=20');
  const socket = new WebSocket(`ws://127.0.0.1:${port}/sockets/events/${id}?resend_all=true`);
  await once(socket, 'message', { signal: AbortSignal.timeout(TIMEOUT_MS) });
  socket.close();
  const content = [{ type: 'text', text: 'hello' }];
  await request('POST', `/api/conversations/${id}/events`, { role: 'user', content, run: false });
}

/** Runs two agents, one with a streaming model; returns the id of a conversation. */
async function runAgents() {
  const [id] = await Promise.all([runAgent(false), runAgent(true)]);
  return id;
}

/** @param stream whether the model streams its answers */
async function runAgent(stream) {
  const llm = { model: 'openai/build', base_url: model.url, api_key: 'of the build', stream };
  const { id } = await request('POST', '/api/conversations', {
    agent: { llm, tools: [{ name: 'terminal' }, { name: 'file_editor' }] },
    workspace: { working_dir: path.join(folder, 'project') },
    initial_message: { content: [{ type: 'text', text: 'hello' }] },
  });
  const end = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { execution_status: status } = await request('GET', `/api/conversations/${id}`);
    if (status === 'finished') return id;
    if (status === 'error' || Date.now() > end)
      throw new Error(`the agent of the build ended with status ${status}`);
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
