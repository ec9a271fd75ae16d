#!/usr/bin/env node
/**
 * An agent of the Agent Client Protocol for tests, over stdin and stdout. It has no model: a prompt whose
 * text is a JSON array lists its steps (`STEPS` below); any other text is repeated.
 *
 * Arguments: `--sessions DIR` stores sessions there, so that another process can load them; `--no-load`
 * cannot load them; `--resume` can resume them without a replay; `--config-models` offers models as
 * configuration options instead of the older `models`; `--auth METHOD` refuses sessions until the client has
 * authenticated with it; `--auth-env NAME` accepts that only if the variable is set; `--fork` can copy
 * sessions; `--blind` accepts no images; `--mute METHOD` never answers the method; `--banner TEXT` prints a
 * line first; `--stubborn` ends neither on SIGTERM nor at the end of its input; `--answer METHOD JSON`
 * answers with the JSON; `--refuse METHOD TEXT` fails with the text; `--stdio-only` accepts no MCP servers
 * over HTTP.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const args = process.argv.slice(2);
const has = (name) => args.includes(name);
const value = (name) => (has(name) ? args[args.indexOf(name) + 1] : undefined);

const valuesOf = (name) => (has(name) ? args.slice(args.indexOf(name) + 1) : []);

const MODELS = [
  { modelId: 'small', name: 'Small', description: 'Quick' },
  { modelId: 'large', name: 'Large', description: 'Thorough' },
];
const MODES = [
  { id: 'ask', name: 'Ask' },
  { id: 'bypassPermissions', name: 'Free' },
  { id: 'full-access', name: 'Free' },
  { id: 'yolo', name: 'Free' },
];

const pending = new Map();
const sessions = new Map();
let nextId = 1;
let authenticated = !has('--auth');

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function request(method, params) {
  const id = nextId++;
  send({ id, method, params });
  return new Promise((resolve, reject) => pending.set(id, { resolve, reject }));
}

function refuse(code, message, data) {
  throw Object.assign(new Error(message), { code, data });
}

const text = (it) => ({ type: 'text', text: it });

/** The steps of a prompt. `update` sends a session update; a returned object becomes part of the answer. */
const STEPS = {
  say: ({ update }, it) => update({ sessionUpdate: 'agent_message_chunk', content: text(it) }),
  think: ({ update }, it) => update({ sessionUpdate: 'agent_thought_chunk', content: text(it) }),
  update: ({ update }, it) => update(it),
  /** Asks for permission and says the outcome. */
  async ask({ sessionId, update }, toolCall, options) {
    const { outcome } = await request('session/request_permission', {
      sessionId,
      toolCall,
      options: options ?? [
        { optionId: 'yes', name: 'Allow', kind: 'allow_once' },
        { optionId: 'always', name: 'Always', kind: 'allow_always' },
        { optionId: 'no', name: 'Reject', kind: 'reject_once' },
      ],
    });
    STEPS.say({ update }, `[${outcome.outcome}${outcome.optionId ? ` ${outcome.optionId}` : ''}]`);
  },
  /** Sends any request to the client and says its result. */
  async request({ sessionId, update }, method, params) {
    const answer = await request(method, { sessionId, ...params }).catch(({ message }) => ({
      error: message,
    }));
    STEPS.say({ update }, JSON.stringify(answer));
  },
  /** Asks for permission in another session and says the outcome. */
  async askAs({ update }, sessionId, toolCall) {
    const options = [{ optionId: 'yes', name: 'Allow', kind: 'allow_once' }];
    const { outcome } = await request('session/request_permission', { sessionId, toolCall, options });
    STEPS.say({ update }, `[${outcome.outcome}]`);
  },
  /** Sends a request many times at once and says how many succeeded. */
  async burst({ sessionId, update }, times, method, params) {
    const all = Array.from({ length: times }, () => request(method, { sessionId, ...params }));
    const done = await Promise.allSettled(all);
    STEPS.say({ update }, `served ${done.filter(({ status }) => status === 'fulfilled').length}`);
  },
  /** Sends a request many times and then an update, without reading answers. */
  async requestMany({ sessionId, update }, times, method, params) {
    input.pause();
    for (let at = 0; at < times; at++) {
      void request(method, { sessionId, ...params });
      if (process.stdout.writableNeedDrain)
        await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
    update({ sessionUpdate: 'tool_call', toolCallId: 'asked', title: 'Ask', status: 'in_progress' });
    await new Promise(() => setInterval(() => undefined, 60_000));
  },
  /** Starts a process that outlives the agent, in a session of its own. */
  leave: (_, ...argv) => void spawn(argv[0], argv.slice(1), { detached: true, stdio: 'ignore' }).unref(),
  /** Prints a number of megabytes as one line. */
  async flood(_, megabytes) {
    for (let at = 0; at < megabytes; at++) {
      if (!process.stdout.write('x'.repeat(1024 * 1024)))
        await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  },
  /** Starts a call whose input is JSON of repeated texts. */
  input({ sessionId }, begin, times, end = '') {
    const rawInput = begin.repeat(times) + end.repeat(times);
    const update = `{"sessionUpdate":"tool_call","toolCallId":"t","title":"T","rawInput":${rawInput}}`;
    const params = `{"sessionId":${JSON.stringify(sessionId)},"update":${update}}`;
    process.stdout.write(`{"jsonrpc":"2.0","method":"session/update","params":${params}}\n`);
  },
  /** Starts a number of calls, each with an input of a number of megabytes. */
  async calls({ update }, times, megabytes) {
    const rawInput = { long: 'x'.repeat(megabytes * 1024 * 1024) };
    for (let at = 0; at < times; at++) {
      update({
        sessionUpdate: 'tool_call',
        toolCallId: `call-${at}`,
        title: 'T',
        status: 'pending',
        rawInput,
      });
      if (process.stdout.writableNeedDrain)
        await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  },
  /** Runs a command in a terminal of the client and says what it printed. */
  async terminal({ sessionId, update }, command, argv, more) {
    const { terminalId } = await request('terminal/create', { sessionId, command, args: argv, ...more });
    const exit = await request('terminal/wait_for_exit', { sessionId, terminalId });
    const { output } = await request('terminal/output', { sessionId, terminalId });
    await request('terminal/release', { sessionId, terminalId });
    STEPS.say({ update }, `${output}|${exit.exitCode ?? exit.signal}`);
  },
  env: ({ update }, name) => STEPS.say({ update }, `${name}=${process.env[name] ?? ''};`),
  cat: ({ update }, file) => STEPS.say({ update }, readFileSync(file, 'utf8')),
  cwd: ({ update }) => STEPS.say({ update }, process.cwd()),
  pid: ({ update }) => STEPS.say({ update }, `pid ${process.pid}`),
  recall: ({ session, update }) => STEPS.say({ update }, `prompts before: ${session.prompts.length - 1}`),
  status: ({ session, update }) =>
    STEPS.say({ update }, JSON.stringify({ model: session.model, mode: session.mode, mcp: session.mcp })),
  blocks: ({ prompt, update }) =>
    STEPS.say(
      { update },
      JSON.stringify(prompt.map(({ data, ...it }) => ({ ...it, ...(data && { data: data.length }) }))),
    ),
  stderr: (_, it) => void process.stderr.write(`${it}\n`),
  stdout: (_, it) => void process.stdout.write(`${it}\n`),
  sleep: ({ session }, ms) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      session.onCancel = () => {
        clearTimeout(timer);
        resolve();
      };
    }),
  /** Makes a file, which shows that it has done the steps before. */
  touch: (_, file) => writeFileSync(file, ''),
  /** Waits until a file exists. */
  async waitFor(_, file) {
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
  },
  /** Hangs until it is cancelled, or forever with `deaf`. */
  hang: ({ session }, deaf) =>
    new Promise((resolve) => {
      const timer = setInterval(() => undefined, 60_000);
      if (deaf) return;
      session.onCancel = () => {
        clearInterval(timer);
        resolve();
      };
    }),
  exit: (_, code) => process.exit(code),
  fail: (_, message, code) => refuse(code ?? -32603, message, { details: message }),
  stop: (_, reason) => ({ stopReason: reason }),
  usage: (_, usage) => ({ usage }),
};

function stepsOf(prompt) {
  const said = prompt.find((block) => block.type === 'text' && block.text.trimStart().startsWith('['));
  try {
    if (said) return JSON.parse(said.text.slice(said.text.indexOf('['), said.text.lastIndexOf(']') + 1));
  } catch {
    // Not steps: the text is repeated.
  }
  return [['say', `You said: ${prompt.map((block) => block.text ?? `(${block.type})`).join(' ')}`]];
}

function store(sessionId, prompt) {
  const folder = value('--sessions');
  if (folder) appendFileSync(path.join(folder, sessionId), `${JSON.stringify(prompt)}\n`);
}

function setupOf(session) {
  const models = has('--config-models')
    ? {
        configOptions: [
          {
            id: 'model',
            name: 'Model',
            category: 'model',
            type: 'select',
            currentValue: session.model,
            options: MODELS.map(({ modelId, name, description }) => ({ value: modelId, name, description })),
          },
        ],
      }
    : { models: { currentModelId: session.model, availableModels: MODELS } };
  return { modes: { currentModeId: session.mode, availableModes: MODES }, ...models };
}

function open(sessionId, mcpServers, prompts = []) {
  const session = { prompts, model: 'small', mode: 'ask', mcp: mcpServers };
  sessions.set(sessionId, session);
  return session;
}

function reopen({ sessionId, mcpServers }) {
  const file = path.join(value('--sessions') ?? '/nowhere', sessionId);
  if (!existsSync(file)) refuse(-32002, `Resource not found: ${sessionId}`);
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return open(
    sessionId,
    mcpServers,
    lines.map((line) => JSON.parse(line)),
  );
}

const METHODS = {
  initialize: () => ({
    protocolVersion: 1,
    agentCapabilities: {
      loadSession: !has('--no-load'),
      promptCapabilities: { image: !has('--blind') },
      mcpCapabilities: { http: !has('--stdio-only') },
      sessionCapabilities: { ...(has('--resume') && { resume: {} }), ...(has('--fork') && { fork: {} }) },
    },
    agentInfo: { name: 'test-agent', title: 'Test agent', version: '1.2.3' },
    authMethods: has('--auth') ? [{ id: value('--auth'), name: 'Key', description: 'By a key' }] : [],
  }),
  authenticate() {
    const name = value('--auth-env');
    if (name && !process.env[name]) refuse(-32000, `No ${name} is set`);
    authenticated = true;
    return {};
  },
  'session/new'({ mcpServers }) {
    if (!authenticated) refuse(-32000, 'Authentication required');
    const sessionId = randomUUID();
    store(sessionId, 'new');
    return { sessionId, ...setupOf(open(sessionId, mcpServers)) };
  },
  'session/load'(params) {
    const session = reopen(params);
    for (const prompt of session.prompts.slice(1)) {
      const update = (it) =>
        send({ method: 'session/update', params: { sessionId: params.sessionId, update: it } });
      update({ sessionUpdate: 'user_message_chunk', content: text(JSON.stringify(prompt)) });
      update({ sessionUpdate: 'agent_message_chunk', content: text('REPLAYED') });
    }
    session.prompts.shift();
    return setupOf(session);
  },
  'session/resume'(params) {
    const session = reopen(params);
    session.prompts.shift();
    return setupOf(session);
  },
  'session/fork'({ sessionId, mcpServers }) {
    const fork = randomUUID();
    open(fork, mcpServers, [...sessions.get(sessionId).prompts]);
    return { sessionId: fork };
  },
  'session/set_mode'({ sessionId, modeId }) {
    sessions.get(sessionId).mode = modeId;
    return {};
  },
  'session/set_model'({ sessionId, modelId }) {
    if (has('--config-models')) refuse(-32601, 'Method not found');
    if (!MODELS.some((it) => it.modelId === modelId)) refuse(-32602, `Unknown model ${modelId}`);
    sessions.get(sessionId).model = modelId;
    return {};
  },
  'session/set_config_option'({ sessionId, configId, value: chosen }) {
    if (!has('--config-models')) refuse(-32601, 'Method not found');
    if (!MODELS.some((it) => it.modelId === chosen)) refuse(-32602, `Unknown ${configId} ${chosen}`);
    const session = sessions.get(sessionId);
    session.model = chosen;
    return { configOptions: setupOf(session).configOptions };
  },
  async 'session/prompt'({ sessionId, prompt }) {
    const session = sessions.get(sessionId) ?? refuse(-32002, 'Resource not found');
    session.prompts.push(prompt);
    session.cancelled = false;
    store(sessionId, prompt);
    const update = (it) => send({ method: 'session/update', params: { sessionId, update: it } });
    let end = { stopReason: 'end_turn' };
    for (const [name, ...rest] of stepsOf(prompt)) {
      if (session.cancelled) break;
      const said = await STEPS[name]({ sessionId, session, prompt, update }, ...rest);
      if (said !== undefined && said !== true && typeof said === 'object') end = { ...end, ...said };
    }
    return session.cancelled ? { stopReason: 'cancelled' } : end;
  },
};

function cancel({ sessionId }) {
  const session = sessions.get(sessionId);
  if (!session) return;
  session.cancelled = true;
  session.onCancel?.();
}

async function handle(message) {
  if (message.method === undefined) {
    const waiting = pending.get(message.id);
    pending.delete(message.id);
    if (message.error) waiting?.reject(message.error);
    else waiting?.resolve(message.result);
    return;
  }
  if (message.id === undefined)
    return message.method === 'session/cancel' ? cancel(message.params) : undefined;
  if (message.method === value('--mute')) return;
  const [answered, answer] = valuesOf('--answer');
  if (message.method === answered) return send({ id: message.id, result: JSON.parse(answer) });
  const [refused, words] = valuesOf('--refuse');
  try {
    if (message.method === refused) refuse(-32603, words);
    const method = METHODS[message.method] ?? refuse(-32601, 'Method not found');
    send({ id: message.id, result: await method(message.params) });
  } catch ({ code = -32603, message: said, data }) {
    send({ id: message.id, error: { code, message: said, data } });
  }
}

if (has('--stubborn')) {
  process.on('SIGTERM', () => undefined);
  setInterval(() => undefined, 60_000);
}
if (has('--banner')) process.stdout.write(`${value('--banner')}\n`);
const input = createInterface({ input: process.stdin });
input.on('line', (line) => void handle(JSON.parse(line)));
input.on('close', () => has('--stubborn') || process.exit(0));
