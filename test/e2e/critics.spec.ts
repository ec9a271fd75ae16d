import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import {
  brief,
  ConversationClient,
  scriptedRequest,
  type SeenEvent,
} from '../support/conversation-client.js';
import {
  endpointLlm,
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('critics', () => {
  let server: ServerProcess;
  let endpoint: ChatEndpoint;
  let count = 0;

  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  const create = (critic: Record<string, unknown>, ...steps: EndpointStep[]) => {
    endpoint.script(steps);
    const agent = { llm: endpointLlm(endpoint), tools: [{ name: 'terminal' }], critic };
    return ConversationClient.create(
      server,
      scriptedRequest(path.join(server.cwd, `work-${++count}`), 'go', { agent }),
    );
  };
  const finish = (message: string): EndpointStep => ({ tools: [['finish', { message }]] });
  const think: EndpointStep = { tools: [['think', { thought: 'hm' }]] };
  const run = (command: string): EndpointStep => ({ tools: [['terminal', { command }]] });
  const verdicts = (events: readonly SeenEvent[]) =>
    events
      .filter(({ kind, source }) => kind === 'ActionEvent' || (kind === 'MessageEvent' && source === 'agent'))
      .map(({ tool_name, critic_result }) => [tool_name ?? 'message', critic_result ?? null]);
  const EMPTY = { score: 0, message: 'Git patch is empty or missing' };
  const ended = async (conversation: ConversationClient) => {
    await conversation.reaches('finished');
    return conversation.events();
  };

  it('judges only the final action or message by default', async () => {
    const content = { score: 1, message: 'PassCritic always succeeds' };
    const passed = await create({ kind: 'PassCritic' }, think, finish('a'));
    const events = await ended(passed);
    expect(verdicts(events)).toEqual([
      ['think', null],
      ['finish', content],
    ]);
    const finished = events.findLast(({ kind }) => kind === 'ActionEvent') ?? {};
    expect(Object.keys(finished).slice(-4)).toEqual(['security_risk', 'critic_result', 'summary', 'kind']);
    const answered = await create({ kind: 'PassCritic' }, { say: 'hello' });
    expect(verdicts(await ended(answered))).toEqual([['message', content]]);
  });

  it('judges all valid actions and no message in the mode all_actions', async () => {
    const calls: [string, unknown][] = [
      ['think', { thought: 'a' }],
      ['nope', {}],
      ['think', { thought: 'b' }],
    ];
    const all = { kind: 'EmptyPatchCritic', mode: 'all_actions' };
    const conversation = await create(all, { tools: calls }, { say: 'hello' });
    expect(verdicts(await ended(conversation))).toEqual([
      ['think', EMPTY],
      ['nope', null],
      ['think', EMPTY],
      ['message', null],
    ]);
  });

  it.each([
    ['a file', 'echo hi > hi.txt'],
    ['a commit', 'echo hi > hi.txt; git add .; git -c user.name=a -c user.email=a@b.c commit -qm hi'],
  ])('finds %s of the agent in the git patch', async (_what, command) => {
    const conversation = await create(
      { kind: 'AgentFinishedCritic', mode: 'all_actions' },
      run(command),
      finish('a'),
    );
    expect(verdicts(await ended(conversation))).toMatchObject([
      ['terminal', { score: 0, message: 'Agent did not produce a non-empty git patch. Empty git patch' }],
      ['finish', { score: 1 }],
    ]);
  });

  it('asks the agent to refine its work, with a new count for each message of the user', async () => {
    const critic = { kind: 'EmptyPatchCritic', iterative_refinement: { max_iterations: 2 } };
    const conversation = await create(critic, ...[1, 2, 3].map((index) => finish(`try ${index}`)));
    const events = await ended(conversation);
    expect(events.map(brief).filter((name) => name !== 'stats')).toEqual([
      'SystemPromptEvent',
      'MessageEvent',
      'last_user_message_id',
      'execution_status=running',
      ...[1, 2].flatMap(() => [
        'ActionEvent',
        'ObservationEvent',
        'agent_state',
        'MessageEvent',
        'last_user_message_id',
      ]),
      'ActionEvent',
      'ObservationEvent',
      'execution_status=finished',
    ]);
    const [, first] = events.filter(({ kind }) => kind === 'MessageEvent');
    expect(first).toMatchObject({ source: 'user' });
    expect(JSON.stringify(first?.['llm_message'])).toContain(
      'The task appears incomplete (iteration 1, predicted success likelihood: 0.0%).',
    );
    expect((await conversation.info())['agent_state']).toEqual({ iterative_refinement_iteration: 2 });

    // A new message is a new task with its own count.
    endpoint.script([finish('try 4'), run('echo hi > hi.txt'), finish('done')]);
    await conversation.send('again');
    await conversation.reaches('finished');
    expect(endpoint.requests).toHaveLength(6);
    expect((await conversation.info())['agent_state']).toEqual({ iterative_refinement_iteration: 1 });
    expect(verdicts(await conversation.events()).at(-1)).toEqual([
      'finish',
      { score: 1, message: 'Git patch is not empty' },
    ]);
  });

  describe('critics behind an API', () => {
    let service: Server;
    let received: { url?: string; key?: string; body: { model: string; input: string } }[];
    /** The answers in order; undefined leaves a request without an answer. */
    let answers: unknown[];

    beforeEach(async () => {
      received = [];
      service = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString()) as { model: string; input: string };
          received.push({ url: request.url, key: request.headers.authorization, body });
          const answer = answers.shift();
          if (answer !== undefined) response.end(JSON.stringify(answer));
        });
      });
      service.listen(0, '127.0.0.1');
      await once(service, 'listening');
    });
    afterEach(() => {
      service.closeAllConnections();
      service.close();
    });

    const critic = (more: Record<string, unknown> = {}) => ({
      kind: 'APIBasedCritic',
      server_url: `http://127.0.0.1:${(service.address() as AddressInfo).port}/critic/`,
      api_key: 'sk-critic',
      sentiment_labels: [],
      agent_issue_labels: ['loop_behavior', 'insufficient_testing'],
      infra_labels: [],
      user_followup_labels: [],
      ...more,
    });
    const probs = (...numbers: number[]) => ({ data: [{ index: 0, probs: numbers }] });

    it('sends the dialogue to an API critic and passes its probabilities to the agent', async () => {
      answers = [probs(0.25, 0.1, 0.9), probs(0.8, 0, 0)];
      const conversation = await create(
        critic({ iterative_refinement: {} }),
        think,
        finish('a'),
        finish('b'),
      );
      const events = await ended(conversation);
      expect(verdicts(events)).toMatchObject([
        ['think', null],
        ['finish', { score: 0.25, message: 'Success: 25.0%. Likely issues: insufficient testing (90.0%).' }],
        ['finish', { score: 0.8, message: 'Success: 80.0%.' }],
      ]);
      expect(JSON.stringify(events)).toContain('* insufficient testing');
      expect(received).toHaveLength(2);
      expect(received[0]).toMatchObject({
        url: '/critic/classify',
        key: 'Bearer sk-critic',
        body: { model: 'critic' },
      });
      expect(received[0]?.body.input).toMatch(
        /^<\|im_start\|>system\n[^]*<tools>[^]*<\|im_start\|>user\ngo<\|im_end\|>\n[^]*"name": "finish"[^]*<\|im_end\|>\n$/,
      );
      expect(JSON.stringify(await conversation.info())).not.toContain('sk-critic');
      expect(JSON.stringify(events)).not.toContain('sk-critic');
    });

    it.each([
      ['does not answer in time', [undefined], 'did not answer within 0.2 s'],
      ['answers without probabilities', [{ data: [] }], 'holds no probabilities'],
      ['answers for other labels', [probs(0.5)], '1 numbers for 3 labels'],
    ])('finishes without a verdict when an API critic %s', async (_what, replies, why) => {
      answers = replies;
      const conversation = await create(
        critic({ timeout_seconds: 0.2, iterative_refinement: {} }),
        finish('a'),
      );
      expect(verdicts(await ended(conversation))).toEqual([['finish', null]]);
      const isWarning = (line: string): boolean => line.includes(conversation.id) && line.includes(why);
      await eventually(() => server.log.split('\n').some(isWarning), `a line of the log: ${why}`);
      expect(server.log).not.toContain('sk-critic');
    });

    it('interrupts a run that waits for an API critic', async () => {
      answers = [undefined];
      const conversation = await create(critic(), finish('a'));
      await eventually(() => received.length === 1, 'the request');
      expect((await conversation.post('interrupt')).status).toBe(200);
      await conversation.reaches('paused');
    });
  });
});
