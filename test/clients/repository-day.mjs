/**
 * Works on a repository in one conversation of more than twenty steps, with two MCP servers from npm, a hook
 * that refuses a command, a skill, a sub-agent, a browser and files; then restarts the server and continues
 * the conversation. Not part of `npm test`: it needs the MCP servers, and a Chromium on the PATH.
 *
 *     npm install --prefix /tmp/mcp @modelcontextprotocol/server-memory
 *     @modelcontextprotocol/server-filesystem
 *     npm run build && node test/clients/repository-day.mjs [folder of that installation]
 *
 * The server gets an OH_SECRET_KEY. The environment of an MCP server may hold secrets, so it is stored only
 * in encrypted form: without a key it would be missing after the restart, and the memory server would start
 * with an empty memory.
 */
import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChatEndpoint } from '../support/chat-endpoint.mjs';
import { startServer } from '../support/with-server.mjs';
import { answers, evening, FORBIDDEN, morning } from './repository-day-steps.mjs';

const PATIENCE_MS = 120_000;
const PAGE = 20;
const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const [installation = '/tmp/mcp'] = process.argv.slice(2);
const program = (name) =>
  path.join(installation, `node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);
const [memory, files] = [program('memory'), program('filesystem')];
const missing = await whatIsMissing();
if (missing !== undefined) {
  console.log(`skipped: ${missing} is missing; the first lines of this file say what is needed`);
  process.exit(0);
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'repository-day-'));
const work = path.join(folder, 'work');
await mkdir(path.join(work, '.agents/skills/lint'), { recursive: true });
await writeFile(
  path.join(work, '.agents/skills/lint/SKILL.md'),
  '---\nname: lint\ndescription: How to lint\n---\nRun make lint.\n',
);
const site = await startSite();
const steps = morning(work, site.url);
const endpoint = await startChatEndpoint({ script: answers(steps) });
const environment = { OH_SECRET_KEY: 'a-key-for-this-day-only' };
let server = await startServer(folder, environment);
try {
  const { id } = await api('POST', '/api/conversations', request());
  await finished(id, 'Done for today.');
  const day = await events(id);
  checkSteps(day, steps);
  checkRequests(steps, 0);
  await access(path.join(work, '.git'));
  assert.equal(await readFile(path.join(work, 'sum.js'), 'utf8'), 'console.log(20 + 22);\n');
  assert.equal((await processesOf(folder)).length > 1, true, 'the MCP servers are running');

  await server.stop();
  assert.deepEqual(await processesOf(folder), [], 'nothing outlives the server');
  const before = endpoint.requests.length;
  const later = evening(site.url);
  endpoint.script(answers(later));
  server = await startServer(folder, environment);
  assert.deepEqual((await events(id)).slice(0, day.length), day, 'the log is unchanged');
  const message = { role: 'user', content: [{ type: 'text', text: 'Go on.' }], run: true };
  await api('POST', `/api/conversations/${id}/events`, message);
  await finished(id, 'Still there.');
  checkSteps((await events(id)).slice(day.length), later);
  checkRequests(later, before);
  checkConversation();
  const { stats, execution_status: status } = await api('GET', `/api/conversations/${id}`);
  assert.equal(status, 'finished');
  const spent = Object.values(stats.usage_to_metrics).map(
    (one) => one.accumulated_token_usage.completion_tokens,
  );
  assert.equal(
    spent.reduce((sum, tokens) => sum + tokens, 0),
    10 * endpoint.requests.length,
    'each answer of the model is counted once',
  );
  const calls = [...steps, ...later].filter(({ tool }) => tool !== undefined).length;
  console.log(`ok: ${calls} steps, ${endpoint.requests.length} requests to the model, one restart`);
} finally {
  await server.stop();
  await Promise.all([endpoint.close(), site.close()]);
  await rm(folder, { recursive: true, force: true });
}
assert.deepEqual(await processesOf(folder), [], 'no process is left');

function request() {
  const names = ['terminal', 'file_editor', 'task_tool_set', 'browser_tool_set'];
  const refuse = "if grep -q 'rm -rf'; then echo forbidden here >&2; exit 2; fi";
  return {
    agent: {
      llm: { model: 'openai/scripted', base_url: endpoint.url, api_key: 'x', usage_id: 'agent' },
      tools: names.map((name) => ({ name })),
      agent_context: { load_project_skills: true },
      mcp_config: {
        memory: {
          command: process.execPath,
          args: [memory],
          env: { MEMORY_FILE_PATH: path.join(folder, 'memory.json') },
        },
        files: { command: process.execPath, args: [files, work] },
      },
    },
    workspace: { working_dir: work },
    autotitle: false,
    initial_message: { role: 'user', content: [{ type: 'text', text: 'Work on it.' }], run: true },
    hook_config: { pre_tool_use: [{ matcher: 'terminal', hooks: [{ command: refuse }] }] },
  };
}

/** Checks that the log has the action and the result of each step, in order, and no others. */
function checkSteps(log, expected) {
  const calls = expected.filter(({ tool }) => tool !== undefined);
  const actions = log.filter(({ kind }) => kind === 'ActionEvent');
  assert.deepEqual(
    actions.map(({ tool_name: name }) => name),
    calls.map(({ tool }) => tool),
  );
  for (const [index, { tool, args, kind = 'ObservationEvent', shows }] of calls.entries()) {
    const action = actions[index];
    assert.deepEqual(JSON.parse(action.tool_call.arguments), args, `step ${index}: ${tool}`);
    const results = log.filter(
      ({ action_id: of, kind: k }) => of === action.id && k !== 'HookExecutionEvent',
    );
    assert.deepEqual(
      results.map((event) => event.kind),
      [kind],
      `step ${index}: ${tool}`,
    );
    matches(textOfResult(results[0]), shows, `step ${index}: ${tool}`);
    assert.notEqual(results[0].observation?.is_error, true, `step ${index}: ${tool}`);
  }
  const commands = calls.filter(({ tool }) => tool === 'terminal');
  const hooks = log.filter(({ kind }) => kind === 'HookExecutionEvent');
  assert.equal(hooks.length, commands.length, 'the hook ran for every command');
  assert.deepEqual(
    hooks.map(({ blocked }) => blocked),
    commands.map(({ args }) => args.command === FORBIDDEN),
  );
  const said = log.filter(({ kind, source }) => kind === 'MessageEvent' && source === 'agent');
  assert.deepEqual(
    said.map(({ llm_message: { content } }) => content[0].text),
    expected.flatMap(({ say }) => say ?? []),
  );
}

function textOfResult({ observation, rejection_reason: reason }) {
  if (!observation) return `Action rejected: ${reason}`;
  return observation.content.flatMap(({ type, text }) => (type === 'text' ? [text] : [])).join('\n');
}

function matches(text, expected, what) {
  const isThere = typeof expected === 'string' ? text.includes(expected) : expected.test(text);
  assert.ok(isThere, `${what}: no ${String(expected)} in ${text}`);
}

/**
 * Checks that the model gets the result of each step in the next request, and of a sub-agent only the result.
 */
function checkRequests(expected, first) {
  let number = first;
  const told = (shows, what) => {
    const last = endpoint.requests[number].body.messages.at(-1);
    assert.equal(last.role, 'tool', what);
    const texts =
      typeof last.content === 'string' ? [last.content] : last.content.map(({ text }) => text ?? '');
    matches(texts.join('\n').replace(/^\[Tool .* executed\.\]\n/, ''), shows, what);
  };
  for (const { tool, shows, told: more = shows, inside } of expected) {
    number += 1;
    if (tool === undefined) continue;
    if (inside) {
      assert.equal(
        endpoint.requests[number].body.messages.length,
        2,
        'a sub-agent does not see the conversation',
      );
      for (const [index, own] of inside.entries()) {
        number += 1;
        if (own.tool !== undefined) told(own.shows, `sub-agent, step ${index}`);
      }
    }
    told(more, `request ${number}`);
  }
  assert.equal(number, endpoint.requests.length);
}

/**
 * Checks that each request of the conversation begins with the previous one, with the same prompt and tools.
 */
function checkConversation() {
  const own = endpoint.requests
    .map(({ body }) => body)
    .filter(({ tools }) => tools.some(({ function: { name } }) => name === 'task'));
  const names = own[0].tools.map(({ function: { name } }) => name);
  const order = ['terminal', 'file_editor', 'task', 'browser_navigate', 'finish', 'think', 'invoke_skill'];
  const places = [...order, 'memory_create_entities', 'files_read_text_file'].map((name) =>
    names.indexOf(name),
  );
  assert.ok(
    places[0] === 0 && places.every((place, index) => index === 0 || place > places[index - 1]),
    `${names}`,
  );
  for (const [index, { messages, tools }] of own.entries()) {
    assert.deepEqual(tools, own[0].tools, `the tools of request ${index}`);
    if (index === 0) continue;
    const { messages: earlier } = own[index - 1];
    assert.deepEqual(
      messages.slice(0, earlier.length),
      earlier,
      `request ${index} begins with the one before`,
    );
    const added = messages.slice(earlier.length).map(({ role }) => role);
    assert.deepEqual(added[0], 'assistant', `request ${index}`);
    assert.ok(['tool', 'user'].includes(added[1]) && added.length === 2, `request ${index}: ${added}`);
  }
}

async function whatIsMissing() {
  for (const file of [memory, files]) if (!(await isThere(file))) return file;
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const programs = folders.flatMap((place) => CHROMIUM.map((name) => path.join(place, name)));
  const found = await Promise.all([process.env.CHROME_PATH ?? '', ...programs].map(isThere));
  return found.includes(true) ? undefined : 'a Chromium';
}

function isThere(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Starts a site with two pages. */
async function startSite() {
  const pages = {
    '/': '<title>Plan</title><h1>The plan</h1><a href="/details">Details</a>',
    '/details': '<title>Details</title><p>Release on Friday</p>',
  };
  const web = createServer(({ url }, response) => {
    const page = pages[url];
    response.writeHead(page ? 200 : 404, { 'content-type': 'text/html' }).end(page);
  });
  await new Promise((listening) => web.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${web.address().port}/`,
    close: () => {
      web.closeAllConnections();
      return new Promise((closed) => web.close(closed));
    },
  };
}

/** Command lines of processes that have the folder in their arguments or their environment. */
async function processesOf(place) {
  const found = [];
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const [line, env] = await Promise.all(
      ['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
    );
    const isOurs = line.includes(place) || (env.includes(place) && Number(pid) !== process.pid);
    if (isOurs && Number(pid) !== server.pid) found.push(line.replaceAll('\0', ' '));
  }
  return found;
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

/** The whole log of a conversation, page by page. */
async function events(id) {
  const all = [];
  for (let page = ''; ;) {
    const found = await api('GET', `/api/conversations/${id}/events/search?limit=${PAGE}${page}`);
    all.push(...found.items);
    if (found.next_page_id === null) return all;
    page = `&page_id=${encodeURIComponent(found.next_page_id)}`;
  }
}

async function finished(id, text) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(100)) {
    const { execution_status: status } = await api('GET', `/api/conversations/${id}`);
    if (status === 'finished' && JSON.stringify(await events(id)).includes(text)) return;
    if (status === 'error' || status === 'stuck') break;
  }
  throw new Error(`no "${text}": ${JSON.stringify(await events(id)).slice(-3000)}`);
}
