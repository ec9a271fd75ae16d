/**
 * Moves a conversation to the original server and back, each with its agent going on: this server exports it,
 * the original (1.58.2) serves it, and this server imports it again. Not part of `npm test`: it needs Python
 * 3.12 and the original.
 *
 *     python3 -m venv /tmp/original
 *     /tmp/original/bin/pip install openhands-agent-server==1.58.2 openhands-tools==1.58.2
 *     npm run build && node test/clients/original-server.mjs [path of python] [folder of conversations]
 *
 * Conversations of the original in that folder are imported first, and exported with the others: the original
 * has to load them, too.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChatEndpoint } from '../support/chat-endpoint.mjs';
import { freePort } from '../support/postgres/free-port.mjs';
import { startServer } from '../support/with-server.mjs';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const SECRETS = { OH_SECRET_KEY: 'the-key-of-both-servers' };
const MODEL_KEY = 'sk-of-the-model';
const TIMEOUT_MS = 120_000;

const [python = '/tmp/original/bin/python', further] = process.argv.slice(2);
const environment = { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: 'True', OPENHANDS_SUPPRESS_BANNER: '1' };
if (spawnSync(python, ['-c', 'import openhands.agent_server'], { env: environment }).status !== 0) {
  console.log(`skipped: ${python} has no openhands-agent-server; this file says how to install it`);
  process.exit(0);
}

const root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'original-server-')));
const [first, theirs, second] = ['first', 'theirs', 'second'].map((name) => path.join(root, name));
const work = path.join(root, 'work');
for (const folder of [first, theirs, second, work]) await mkdir(folder);
const answers = (name) => [
  { tools: [['terminal', { command: `echo ${name} with $TOKEN` }]] },
  { tools: [['finish', { message: `${name} is done.` }]] },
];
const endpoint = await startChatEndpoint({
  player: { nextTurn: () => ({ say: 'unexpected' }) },
  script: ['first', 'second', 'third'].flatMap(answers),
});
try {
  const id = await fromHere();
  const count = await throughTheOriginal(id);
  await andBack(id, count);
  for (const { headers } of endpoint.requests) assert.equal(headers.authorization, `Bearer ${MODEL_KEY}`);
  assert.equal(endpoint.requests.length, 6);
  console.log('a conversation went to the original and back, and its agent went on each time');
} finally {
  await endpoint.close();
  await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** Creates a conversation here, and exports it. @returns its id */
async function fromHere() {
  if (further !== undefined) await command(first, 'import', further);
  const server = await startServer(first, { ...SECRETS, HOME: first });
  let id;
  try {
    const created = await request(server.url, 'POST', '/api/conversations', {
      agent: {
        kind: 'Agent',
        llm: { model: 'openai/scripted', base_url: endpoint.url, api_key: MODEL_KEY, num_retries: 0 },
        tools: [{ name: 'terminal' }, { name: 'file_editor' }, { name: 'task_tracker' }],
      },
      workspace: { kind: 'LocalWorkspace', working_dir: work },
      secrets: { TOKEN: { kind: 'StaticSecret', value: 'a-secret-value' } },
      initial_message: { role: 'user', content: [{ type: 'text', text: 'Begin.' }] },
      autotitle: false,
      tags: { team: 'blue' },
    });
    ({ id } = created);
    await finished(server.url, id, 'first is done.');
  } finally {
    await server.stop();
  }
  await command(first, 'export', '--all', '--to', path.join(theirs, 'workspace/conversations'));
  return id;
}

/** Loads everything in the original, and goes on there. @returns how many events the conversation has */
async function throughTheOriginal(id) {
  const port = await freePort();
  const child = spawn(python, ['-m', 'openhands.agent_server', '--port', String(port)], {
    cwd: theirs,
    env: { ...environment, ...SECRETS, HOME: theirs },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  try {
    await eventually(async () => (await fetch(`${url}/health`)).ok, 'the start of the original');
    const { items } = await request(url, 'GET', '/api/conversations/search?limit=100');
    for (const { id: other, title, execution_status: status } of items) {
      const { response } = await request(url, 'GET', `/api/conversations/${other}/agent_final_response`);
      const events = await request(url, 'GET', `/api/conversations/${other}/events/count`);
      console.log(
        `loaded by the original: ${other} ${status} ${title} ${events} events ${JSON.stringify(response)}`,
      );
    }
    const [info] = items.filter((item) => item.id === id);
    assert.deepEqual(info.tags, { team: 'blue' });
    assert.equal(info.execution_status, 'finished');
    await goOn(url, id, 'second is done.');
    return await request(url, 'GET', `/api/conversations/${id}/events/count`);
  } catch (error) {
    console.log(output.slice(-4000));
    throw error;
  } finally {
    child.kill();
    await ended;
  }
}

/** Imports what the original has written into a new folder, and goes on there. */
async function andBack(id, count) {
  await command(second, 'import', theirs);
  const server = await startServer(second, { ...SECRETS, HOME: second });
  try {
    assert.equal(await request(server.url, 'GET', `/api/conversations/${id}/events/count`), count);
    await goOn(server.url, id, 'third is done.');
    const { items } = await request(server.url, 'GET', `/api/conversations/${id}/events/search?limit=100`);
    const outputs = items.filter(
      ({ kind, tool_name }) => kind === 'ObservationEvent' && tool_name === 'terminal',
    );
    assert.deepEqual(
      outputs.map(({ observation }) => observation.content[0].text.split('\n')[0].trim()),
      ['first', 'second', 'third'].map((name) => `${name} with <secret-hidden>`),
    );
  } finally {
    await server.stop();
  }
}

async function goOn(url, id, answer) {
  const body = { role: 'user', content: [{ type: 'text', text: 'Go on.' }], run: true };
  await request(url, 'POST', `/api/conversations/${id}/events`, body);
  await finished(url, id, answer);
}

async function finished(url, id, answer) {
  await eventually(async () => {
    const { response } = await request(url, 'GET', `/api/conversations/${id}/agent_final_response`);
    const { execution_status: status } = await request(url, 'GET', `/api/conversations/${id}`);
    return response === answer && status === 'finished';
  }, answer);
}

async function request(url, method, route, body) {
  const response = await fetch(url + route, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
  return JSON.parse(text);
}

async function eventually(condition, what) {
  const end = Date.now() + TIMEOUT_MS;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what}: not within ${TIMEOUT_MS} ms`);
    await sleep(200);
  }
}

async function command(folder, ...args) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, ...SECRETS, HOME: folder },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, args.join(' '));
}
