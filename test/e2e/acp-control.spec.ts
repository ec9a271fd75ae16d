import { mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { acpRequest, answerOf, steps, type AcpOptions } from '../support/acp.js';
import { brief, ConversationClient } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const ALWAYS = { confirmation_policy: { kind: 'AlwaysConfirm' } };
const RISKY = { confirmation_policy: { kind: 'ConfirmRisky' } };
const ask = (kind: string, rawInput: object = {}) => [
  'ask',
  { toolCallId: 'danger', title: 'Remove all', kind, rawInput },
];

describe('an agent from elsewhere is under control', () => {
  let folder: string;
  let server: ServerProcess;
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'acp-control-')));
    server = await ServerProcess.start();
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const create = (message?: string, options?: AcpOptions) =>
    ConversationClient.create(server, acpRequest(folder, message, options));
  const post = async ({ route }: ConversationClient, what: string, body?: object) =>
    (await server.request('POST', `${route}/${what}`, body)).status;
  const respond = (conversation: ConversationClient, accept: boolean) =>
    post(conversation, 'events/respond_to_confirmation', { accept, reason: 'not today' });
  const MARK = { sessionUpdate: 'tool_call', toolCallId: 't', title: 'Run', status: 'in_progress' };
  /** It is at work, for the nth time: it shows its mark when it begins. */
  const working = (conversation: ConversationClient, times = 1) =>
    eventually(async () => {
      const calls = await conversation.events('&kind=ACPToolCallEvent');
      return calls.filter(({ status }) => status === 'in_progress').length === times;
    }, 'the agent to be at work');
  const started = async (...all: unknown[][]) => {
    const conversation = await create(steps(['update', MARK], ['say', 'MARK'], ...all));
    await working(conversation);
    return conversation;
  };

  describe('permissions', () => {
    it.each([
      ['agreed to', true, '[selected yes]'],
      ['refused', false, '[selected no]'],
    ])('wait for a person and are %s', async (_how, accept, answer) => {
      const conversation = await create(
        steps(['say', 'A'], ask('execute', { command: 'rm' }), ['say', 'Z']),
        ALWAYS,
      );
      await conversation.reaches('waiting_for_confirmation');
      const shown = (await conversation.events()).at(-2);
      expect(shown).toMatchObject({
        ...{ kind: 'ACPToolCallEvent', tool_call_id: 'danger', title: 'Remove all', status: 'pending' },
        raw_input: { command: 'rm' },
      });
      expect(await respond(conversation, accept)).toBe(200);
      await conversation.reaches('finished');
      expect(await answerOf(conversation)).toBe(`A${answer}Z`);
      const statuses = (await conversation.events('&kind=ConversationStateUpdateEvent')).map(brief);
      expect(statuses.filter((text) => text === 'execution_status=finished')).toHaveLength(1);
      const rejections = await conversation.events('&kind=UserRejectObservation');
      expect(rejections.map((event) => [event['action_id'], event['rejection_reason']])).toEqual(
        accept ? [] : [[shown?.id, 'not today']],
      );
    });

    it.each([
      ['without a policy', 'execute', {}],
      ['for what only looks', 'read', RISKY],
    ])('are given %s', async (_when, kind, options) => {
      const conversation = await create(steps(ask(kind)), options);
      await conversation.reaches('finished');
      expect(await answerOf(conversation)).toBe('[selected yes]');
    });

    it('are judged by the analyzer', async () => {
      const analyzer = { security_analyzer: { kind: 'LLMSecurityAnalyzer' }, ...RISKY };
      const harmless = await create(steps(ask('search', { pattern: 'x' })), analyzer);
      await harmless.reaches('finished');
      const unknown = await create(steps(ask('execute', { command: 'rm -rf /' })), analyzer);
      await unknown.reaches('waiting_for_confirmation');
      const risks = async (of: ConversationClient) => {
        const [call] = await of.events('&kind=ACPToolCallEvent');
        const [analysis] = await of.events('&kind=SecurityAnalysisEvent');
        return [analysis?.['risks'], call?.id ?? ''];
      };
      const [low, first] = await risks(harmless);
      expect(low).toEqual({ [String(first)]: 'LOW' });
      const [doubt, second] = await risks(unknown);
      expect(doubt).toEqual({ [String(second)]: 'UNKNOWN' });
    });

    it('are not given when the user says something else', async () => {
      const conversation = await create(steps(ask('execute'), ['say', 'went on']), ALWAYS);
      await conversation.reaches('waiting_for_confirmation');
      await conversation.send('rather this');
      await conversation.reaches('finished');
      expect(await answerOf(conversation)).toBe('You said: rather this');
      const messages = await conversation.events('&kind=MessageEvent');
      const texts = JSON.stringify(messages.filter(({ source }) => source === 'agent'));
      expect(texts).toContain('[cancelled]');
      expect(texts).not.toContain('went on');
    });

    it('wait over a restart: who agrees then has the agent begin again', async () => {
      let other = await ServerProcess.start();
      const { cwd } = other;
      const request = acpRequest(folder, steps(ask('execute')), ALWAYS);
      let conversation = await ConversationClient.create(other, request);
      await conversation.reaches('waiting_for_confirmation');
      await other.end();
      other = await ServerProcess.start({ cwd });
      conversation = conversation.on(other);
      expect(await conversation.status()).toBe('waiting_for_confirmation');
      const agree = () =>
        other.request('POST', `${conversation.route}/events/respond_to_confirmation`, { accept: true });
      await agree();
      await eventually(
        async () => (await conversation.events('&kind=ACPToolCallEvent')).length > 1,
        'the agent to ask again',
      );
      await conversation.reaches('waiting_for_confirmation');
      // The run that asked has ended when its slot is free.
      await eventually(async () => (await agree()).status === 200, 'the agreement to be taken');
      await conversation.reaches('finished');
      await other.stop();
      await rm(cwd, { recursive: true, force: true });
    });
  });

  it('reads and writes files of the workspace through the server, and no others', async () => {
    await writeFile(path.join(folder, 'in.txt'), 'one\ntwo\nthree\n');
    await symlink('/etc', path.join(folder, 'link'));
    const read = (file: string, more = {}) => ['request', 'fs/read_text_file', { path: file, ...more }];
    const write = (file: string) => ['request', 'fs/write_text_file', { path: file, content: 'new' }];
    const said = async (...all: unknown[][]) => {
      const conversation = await create(steps(...all.flatMap((step) => [step, ['say', '\n']])));
      await conversation.reaches('finished');
      return (await answerOf(conversation)).trim().split('\n');
    };
    const file = (name: string) => path.join(folder, name);
    expect(
      await said(
        read(file('in.txt'), { line: 2, limit: 1 }),
        write(file('a/b/out.txt')),
        read(file('nothing')),
        ...['/etc/hostname', file('link/hostname'), file('../x')].map((outside) => read(outside)),
        ...['/tmp/acp-outside', file('link/acp')].map((outside) => write(outside)),
      ),
    ).toEqual([
      '{"content":"two"}',
      '{}',
      `{"error":"${file('nothing')} does not exist"}`,
      ...['/etc/hostname', file('link/hostname'), file('../x'), '/tmp/acp-outside', file('link/acp')].map(
        (outside) => `{"error":"${outside} is outside the workspace"}`,
      ),
    ]);
    expect(await readFile(file('a/b/out.txt'), 'utf8')).toBe('new');
  });

  it('has commands run by the server', async () => {
    const secrets = { TOKEN: { kind: 'StaticSecret', value: 'hush-hush' } };
    const conversation = await create(
      steps(
        [
          'terminal',
          'sh',
          ['-c', 'pwd; echo $TOKEN $OWN >&2; exit 3'],
          { env: [{ name: 'OWN', value: 'x' }] },
        ],
        ['terminal', 'echo a line | tr a b'],
        ['terminal', 'sh', ['-c', 'seq 1 9999'], { outputByteLimit: 10 }],
        ['request', 'terminal/create', { command: 'ls', cwd: '/etc' }],
        ['request', 'terminal/output', { terminalId: 'none' }],
      ),
      { secrets },
    );
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe(
      `${folder}\n<secret-hidden> x\n|3b line\n|09998\n9999\n|0` +
        '{"error":"/etc is outside the workspace"}{"error":"There is no terminal none"}',
    );
  });

  it('stops when it is interrupted, and keeps its session', async () => {
    const conversation = await started(['hang']);
    expect(await post(conversation, 'interrupt')).toBe(200);
    expect((await conversation.events()).slice(-4).map(brief)).toEqual([
      ...['ACPToolCallEvent', 'MessageEvent', 'execution_status=paused', 'InterruptEvent'],
    ]);
    const [, ended] = await conversation.events('&kind=ACPToolCallEvent');
    expect(ended).toMatchObject({ tool_call_id: 't', status: 'failed', is_error: true });
    await conversation.send(steps(['recall']));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('prompts before: 1');
  });

  it('is ended when it does not stop, and told again what it had not answered', async () => {
    const conversation = await started(['hang', true]);
    const [first] = await conversation.events('&kind=MessageEvent');
    expect(await post(conversation, 'interrupt')).toBe(200);
    expect(await post(conversation, 'run')).toBe(200);
    await working(conversation, 2);
    const state = (await conversation.info())['agent_state'];
    expect(state).toMatchObject({ acp_inflight_prompt_user_message_id: first?.id });
    await post(conversation, 'interrupt');
    await conversation.send('something else');
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('You said: something else');
  });

  it('answers what is said meanwhile when it has ended its turn', async () => {
    const conversation = await started(['sleep', 300], ['say', ' end']);
    await conversation.send('second', false);
    await conversation.send('third');
    await conversation.reaches('finished');
    const answers = await conversation.events('&kind=ActionEvent');
    expect(answers.map((event) => event['action'])).toMatchObject([
      { message: 'MARK end' },
      { message: 'You said: second third' },
    ]);
    const statuses = await conversation.events('&kind=ConversationStateUpdateEvent');
    expect(statuses.map(brief).filter((text) => text.startsWith('execution'))).toEqual([
      'execution_status=running',
      'execution_status=finished',
    ]);
  });

  it('ends its turn when it is paused', async () => {
    const conversation = await started(['sleep', 300], ['say', ' end']);
    expect(await post(conversation, 'pause')).toBe(200);
    expect(await conversation.status()).toBe('paused');
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('MARK end');
  });
});
