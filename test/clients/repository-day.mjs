/**
 * A day's work on a repository in one conversation: a real MCP server from npm, a hook that forbids a command, a skill, a
 * sub-agent and files, then a restart of the server and another message. Not a part of `npm test`: it needs the MCP server.
 *
 *     npm install --prefix /tmp/mcp @modelcontextprotocol/server-memory
 *     npm run build && node test/clients/repository-day.mjs [folder of that installation]
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChatEndpoint } from '../support/chat-endpoint.mjs';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const PATIENCE_MS = 60_000;
const [installation = '/tmp/mcp'] = process.argv.slice(2);
const memory = path.join(installation, 'node_modules/@modelcontextprotocol/server-memory/dist/index.js');
const isThere = await access(memory).then(
  () => true,
  () => false,
);
if (!isThere) {
  console.log(`skipped: ${memory} is not there; this file says how to install it`);
  process.exit(0);
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'repository-day-'));
const work = path.join(folder, 'work');
await mkdir(path.join(work, '.agents/skills/lint'), { recursive: true });
await writeFile(
  path.join(work, '.agents/skills/lint/SKILL.md'),
  '---\nname: lint\ndescription: How to lint\n---\nRun make lint.\n',
);
const run = (command) => ({ tools: [['terminal', { command }]] });
const file = path.join(work, 'sum.js');
const morning = [
  run('git init -q .'),
  run('rm -rf .git'),
  run('ls -d .git'),
  { tools: [['invoke_skill', { name: 'lint' }]] },
  {
    tools: [
      [
        'create_entities',
        { entities: [{ name: 'repo', entityType: 'project', observations: ['has sum.js'] }] },
      ],
    ],
  },
  { tools: [['file_editor', { command: 'create', path: file, file_text: 'console.log(1 + 1);\n' }]] },
  run('node sum.js'),
  { tools: [['file_editor', { command: 'str_replace', path: file, old_str: '1 + 1', new_str: '20 + 22' }]] },
  run('node sum.js'),
  {
    tools: [['task', { prompt: 'Count the files.', description: 'count', subagent_type: 'general-purpose' }]],
  },
  run('ls | wc -l'),
  { say: 'There is one file.' },
  ...Array.from({ length: 6 }, (_, index) => run(`echo step ${index}`)),
  { tools: [['read_graph', {}]] },
  { say: 'Done for today.' },
];
const evening = [{ tools: [['read_graph', {}]] }, run('node sum.js'), { say: 'Still there.' }];
const endpoint = await startChatEndpoint({ script: morning });
let server = await start();
try {
  const { id } = await api('POST', '/api/conversations', {
    agent: {
      llm: { model: 'openai/scripted', base_url: endpoint.url, api_key: 'x', usage_id: 'agent' },
      tools: ['terminal', 'file_editor', 'task_tool_set'].map((name) => ({ name })),
      agent_context: { load_project_skills: true },
      mcp_config: {
        memory: {
          command: process.execPath,
          args: [memory],
          env: { MEMORY_FILE_PATH: path.join(folder, 'memory.json') },
        },
      },
    },
    workspace: { working_dir: work },
    autotitle: false,
    initial_message: { role: 'user', content: [{ type: 'text', text: 'Work on it.' }], run: true },
    hook_config: {
      pre_tool_use: [
        {
          matcher: 'terminal',
          hooks: [{ command: "if grep -q 'rm -rf'; then echo forbidden >&2; exit 2; fi" }],
        },
      ],
    },
  });
  await answered(id, 'Done for today.');
  const day = await log(id);
  assert.match(day, /Action rejected|forbidden/);
  assert.match(day, /Run make lint/);
  assert.match(day, /There is one file/);
  assert.match(day, /has sum\.js/);
  await access(path.join(work, '.git'));
  assert.match(await readFile(file, 'utf8'), /20 \+ 22/);

  await stop();
  endpoint.script(evening);
  server = await start();
  assert.ok(
    (await log(id)).startsWith(day.slice(0, -1)),
    'the log after the restart begins with that before',
  );
  await api('POST', `/api/conversations/${id}/events`, {
    role: 'user',
    content: [{ type: 'text', text: 'Go on.' }],
    run: true,
  });
  await answered(id, 'Still there.');
  assert.match((await log(id)).slice(day.length), /has sum\.js[\s\S]*42/);
  console.log(`ok: ${endpoint.requests.length} requests to the model, one restart`);
} finally {
  await stop();
  await endpoint.close();
  await rm(folder, { recursive: true, force: true });
}

/** Starts the server in its folder, also again. */
async function start() {
  const child = spawn(process.execPath, [MAIN, '--host', '127.0.0.1', '--port', '0'], {
    cwd: folder,
    // Without it, what may be secret (the environment of an MCP server) is not kept over a restart.
    env: { ...process.env, OH_SECRET_KEY: 'a-key-for-this-day-only' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20)) {
    const url = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
    if (url) return { child, url };
    if (child.exitCode !== null) break;
  }
  child.kill();
  throw new Error(`the server did not start: ${output}`);
}

async function stop() {
  if (server.child.exitCode !== null) return;
  const ended = once(server.child, 'exit');
  server.child.kill();
  await ended;
}

async function api(method, route, body) {
  const response = await fetch(server.url + route, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.ok(
    response.ok,
    `${method} ${route}: ${response.status} ${response.ok ? '' : await response.text()}`,
  );
  return response.json();
}

/** The events of a conversation as JSON. */
async function log(id) {
  const { items } = await api('GET', `/api/conversations/${id}/events/search?limit=100`);
  return JSON.stringify(items);
}

async function answered(id, text) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(100)) {
    const { execution_status: status } = await api('GET', `/api/conversations/${id}`);
    if (status === 'finished' && (await log(id)).includes(text)) return;
  }
  throw new Error(`no "${text}": ${(await log(id)).slice(-3000)}`);
}
