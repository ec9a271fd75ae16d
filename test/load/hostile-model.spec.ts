import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { hostileTexts } from '../support/hostile-texts.js';
import { startScriptedEndpoint, type ChatEndpoint, type EndpointStep } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { amount, memoryReturns, underLoad } from './load-watch.js';

/** Tools that a model may call with any text, and arguments that contain it. */
const CALLS: [tool: string, args: (text: string) => object][] = [
  ['think', (text) => ({ thought: text, security_risk: text, summary: text })],
  ['terminal', (text) => ({ command: '', timeout: text, is_input: text })],
  ['file_editor', (text) => ({ command: 'str_replace', path: FILE, old_str: text, new_str: `${text}y` })],
  ['file_editor', (text) => ({ command: 'view', path: `/${text}`, view_range: text })],
  ['edit', (text) => ({ file_path: FILE, old_string: text, new_string: 'x', expected_replacements: text })],
  [
    'apply_patch',
    (text) => ({ patch: `*** Begin Patch\n*** Update File: rows\n@@\n${text}\n*** End Patch` }),
  ],
  ['apply_patch', (text) => ({ patch: text })],
  ['task_tracker', (text) => ({ command: 'plan', task_list: text })],
  ['task_tracker', (text) => ({ command: 'plan', task_list: [{ title: text, status: text, notes: text }] })],
  ['nothing', (text) => ({ [text]: text })],
];
/** Tools that start a process for each call; they get fewer texts. */
const SEARCHES: typeof CALLS = [
  ['grep', (text) => ({ pattern: text, include: text })],
  ['glob', (text) => ({ pattern: text })],
];
const TOOLS = ['terminal', 'file_editor', 'edit', 'apply_patch', 'task_tracker', 'grep', 'glob'];
const FILE = '/work/rows';
/** The 99th percentile of `/health` (ms). In the short form other tests run on the same cores. */
const P99_MS = amount(2_000, 250);
/** The longest answer of `/health` (ms). Each of these texts once took seconds, some took minutes. */
const LONGEST_WAIT_MS = amount(5_000, 2_000);

/** Characters of calls in one answer: answers of more than 16 MiB are refused. */
const MAX_ANSWER = 8_000_000;

type Call = [tool: string, args: string | object];

/** Splits calls into answers of a permitted size. */
function splitIntoAnswers(calls: readonly Call[]): Call[][] {
  const answers: Call[][] = [];
  let left = 0;
  for (const call of calls) {
    const [, args] = call;
    // Arguments are JSON inside a JSON string.
    const length = JSON.stringify(typeof args === 'string' ? args : JSON.stringify(args)).length;
    if (length > left) left = MAX_ANSWER;
    if (left === MAX_ANSWER) answers.push([]);
    left -= length;
    answers.at(-1)?.push(call);
  }
  return answers;
}

const FINISH: EndpointStep = { tools: [['finish', { message: 'bye' }]] };
const ANALYZER = {
  kind: 'EnsembleSecurityAnalyzer',
  analyzers: [{ kind: 'PatternSecurityAnalyzer' }, { kind: 'PolicyRailSecurityAnalyzer' }],
};

describe('a server with a hostile model', () => {
  const length = amount(20_000, 300_000);
  const texts = hostileTexts(length);
  let server: ServerProcess;
  let workspace: string;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    await writeFile(path.join(workspace, 'rows'), 'x\n'.repeat(40_000) + 'a'.repeat(1_000_000));
    endpoint = await startScriptedEndpoint();
  });
  afterAll(async () => {
    await endpoint.close();
    await server.stop();
    await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
  });

  /** Starts a conversation that the endpoint answers with these steps. */
  const created: string[] = [];
  const ask = async (steps: EndpointStep[], llm: object = {}, more: object = {}) => {
    endpoint.script(steps);
    const config = {
      model: 'openai/test',
      base_url: endpoint.url,
      api_key: 'k',
      usage_id: 'agent',
      num_retries: 0,
    };
    const agent = { llm: { ...config, ...llm }, tools: TOOLS.map((name) => ({ name })) };
    const request = scriptedRequest(workspace, 'go', { agent, stuck_detection: false, ...more });
    const conversation = await ConversationClient.create(server, request);
    created.push(conversation.id);
    return conversation;
  };
  const finished = async (conversation: ConversationClient): Promise<SeenEvent[]> => {
    await eventually(async () => (await conversation.status()) === 'finished', 'the end', 120_000);
    return conversation.events();
  };
  const writeArguments = (args: object) =>
    JSON.stringify(args).replaceAll(FILE, path.join(workspace, 'rows'));

  /** Calls each tool with each text; each call gets a result or an error. */
  const callTools = async (): Promise<void> => {
    const few = texts.filter((_, index) => index % 8 === 0);
    const all = [
      ...CALLS.map((call) => [call, texts] as const),
      ...SEARCHES.map((call) => [call, few] as const),
    ];
    for (const [[tool, args], some] of all) {
      const steps = splitIntoAnswers(some.map((text): Call => [tool, writeArguments(args(text))]));
      const conversation = await ask(
        [...steps.map((tools) => ({ tools })), FINISH],
        {},
        { security_analyzer: ANALYZER },
      );
      const events = await finished(conversation);
      const answers = events.filter(({ kind }) => ['ObservationEvent', 'AgentErrorEvent'].includes(kind));
      expect(answers.length).toBe(some.length + 1);
    }
  };

  /** Sends arguments that are not JSON, or that are nested too deeply for a stack. */
  const breakArguments = async (): Promise<void> => {
    const broken = texts.map((text) => `{"thought": ${text}`);
    const nested = [
      '['.repeat(60_000) + ']'.repeat(60_000),
      '{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000),
    ];
    const deep = [...nested, ...nested.map((text) => `{"thought": ${text}}`)];
    const steps = splitIntoAnswers([...broken, ...deep].map((text): Call => ['think', text]));
    // Arguments as an object instead of a string, as some services send them.
    const call = `{"id":"a","type":"function","function":{"name":"think","arguments":${nested[0]}}}`;
    const message = `{"role":"assistant","content":null,"tool_calls":[${call}]}`;
    const raw = `{"id":"x","choices":[{"index":0,"finish_reason":"tool_calls","message":${message}}]}`;
    const events = await finished(await ask([...steps.map((tools) => ({ tools })), { raw }, FINISH]));
    expect(events.some(({ kind, tool_call_id: id }) => kind === 'AgentErrorEvent' && id === 'a')).toBe(true);
    const errors = events.filter(({ kind }) => kind === 'AgentErrorEvent').map(({ error }) => String(error));
    expect(errors.length).toBeGreaterThanOrEqual(broken.length);
    expect(errors.filter((error) => error.includes('Nested too deeply')).length).toBeGreaterThanOrEqual(
      deep.length,
    );
  };

  /** Sends commands that are analysed and never run. */
  const analyseCommands = async (): Promise<void> => {
    const steps = splitIntoAnswers(texts.map((text): Call => ['terminal', { command: text }]));
    const policies = { security_analyzer: ANALYZER, confirmation_policy: { kind: 'AlwaysConfirm' } };
    for (const tools of steps) {
      const conversation = await ask([{ tools }], {}, policies);
      await conversation.reaches('waiting_for_confirmation');
    }
  };

  /** Sends calls of a model without native tool calls. */
  const writeCalls = async (stream: boolean): Promise<void> => {
    const said = texts
      .filter((text) => /^[<\s]/.test(text))
      .flatMap((text) => [text, `x</parameter>${text}`])
      .map((text) => ({ say: `<function=think>\n<parameter=thought>${text}` }));
    const end = { say: '<function=finish>\n<parameter=message>bye</parameter>\n</function>' };
    const events = await finished(await ask([...said, end], { native_tool_calling: false, stream }));
    expect(events.filter(({ kind }) => kind === 'ActionEvent').length).toBeGreaterThan(said.length / 2);
  };

  /** Streams thousands of parts of calls that never end, or that start again and again. */
  const streamPieces = async (): Promise<void> => {
    const piece = (call: object) =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [call] } }] })}\n\n`;
    const part = (text: string) => piece({ index: 0, function: { name: 'think', arguments: text } });
    const count = amount(20_000, 100_000);
    const begun = Array.from({ length: count }, (_, index) =>
      piece({ index, id: `c${index}`, function: { name: 'think' } }),
    );
    const streams = [
      part('{"thought": "') + part('{"a":').repeat(count),
      part('[') + piece({ index: 0, function: { arguments: '"' } }) + part('[1,[1,[1,[1,[1,').repeat(count),
      begun.join(''),
    ];
    for (const raw of streams) {
      const conversation = await ask([{ raw, type: 'text/event-stream' }], { stream: true });
      expect(await conversation.reaches('error')).toBe('error');
    }
  };

  /** Answers titles and audits of a goal with unclosed think tags. */
  const answerUnclosedThoughts = async (): Promise<void> => {
    for (const say of ['<think>'.repeat(50_000), '<think></think'.repeat(25_000)]) {
      const conversation = await ask(
        Array.from({ length: 4 }, () => ({ say })),
        {},
        { autotitle: true },
      );
      await finished(conversation);
      await server.request('POST', `${conversation.route}/goal`, { objective: 'x', max_iterations: 1 });
      await eventually(async () => {
        const states = await conversation.events('&kind=ConversationStateUpdateEvent');
        return states.some(({ key, value }) => key === 'goal' && !(value as { active: boolean }).active);
      }, 'the audit');
    }
  };

  it(
    'stays responsive whatever the model answers, and gives each call a result',
    async () => {
      const { health, memory } = await underLoad(server, 'a server with a hostile model', async () => {
        await callTools();
        await breakArguments();
        await analyseCommands();
        await writeCalls(false);
        await writeCalls(true);
        await streamPieces();
        await answerUnclosedThoughts();
      });
      expect(health.p99).toBeLessThan(P99_MS);
      expect(health.max).toBeLessThan(LONGEST_WAIT_MS);
      // Open conversations keep their views in memory.
      for (const id of created) await server.request('DELETE', `/api/conversations/${id}`);
      await memoryReturns(server, memory?.before);
    },
    amount(240_000, 600_000),
  );
});
