import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, symlink, writeFile } from 'node:fs/promises';
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

describe('control of an ACP agent', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  const create = (message?: string, options?: AcpOptions) =>
    ConversationClient.create(server, acpRequest(server.cwd, message, options));
  const RUNNING_CALL = { sessionUpdate: 'tool_call', toolCallId: 't', title: 'Run', status: 'in_progress' };
  /** Waits for the agent to have begun its nth turn: each begins with `RUNNING_CALL`. */
  const hasBegunTurn = (conversation: ConversationClient, times = 1) =>
    eventually(async () => {
      const calls = await conversation.events('&kind=ACPToolCallEvent');
      return calls.filter(({ status }) => status === 'in_progress').length === times;
    }, 'the beginning of the turn');
  const startTurn = async (...all: unknown[][]) => {
    const begun = path.join(server.cwd, `begun-${randomUUID()}`);
    const conversation = await create(
      steps(['update', RUNNING_CALL], ['say', 'began'], ['touch', begun], ...all),
    );
    await hasBegunTurn(conversation);
    await eventually(() => existsSync(begun), 'the first text of the turn');
    return conversation;
  };

  describe('permission requests of an ACP agent', () => {
    it.each([
      ['accepts', true, '[selected yes]'],
      ['rejects', false, '[selected no]'],
    ])('waits for a person who %s a permission request', async (_what, accept, answer) => {
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
      const response = { accept, reason: 'not today' };
      expect((await conversation.post('events/respond_to_confirmation', response)).status).toBe(200);
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
      ['without a confirmation policy', 'execute', {}],
      ['for a tool call that only reads', 'read', RISKY],
    ])('grants permission %s', async (_when, kind, options) => {
      const conversation = await create(steps(ask(kind)), options);
      await conversation.reaches('finished');
      expect(await answerOf(conversation)).toBe('[selected yes]');
    });

    it('asks the security analyzer about a permission request', async () => {
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
      const [unjudged, second] = await risks(unknown);
      expect(unjudged).toEqual({ [String(second)]: 'UNKNOWN' });
    });

    it('cancels a permission request when the user sends another message', async () => {
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

    it('keeps a permission request across a restart; the agent asks again once it is accepted', async () => {
      let conversation = await create(steps(ask('execute')), ALWAYS);
      await conversation.reaches('waiting_for_confirmation');
      server = await server.restart();
      conversation = conversation.on(server);
      expect(await conversation.status()).toBe('waiting_for_confirmation');
      const accept = () => conversation.post('events/respond_to_confirmation', { accept: true });
      await accept();
      await eventually(
        async () => (await conversation.events('&kind=ACPToolCallEvent')).length > 1,
        'the second permission request',
      );
      await conversation.reaches('waiting_for_confirmation');
      // The slot of the run that asked becomes free a moment after the status has changed.
      await eventually(async () => (await accept()).status === 200, 'the acceptance');
      await conversation.reaches('finished');
    });
  });

  it('lets an ACP agent read and write files of the workspace only', async () => {
    await writeFile(path.join(server.cwd, 'in.txt'), 'one\ntwo\nthree\n');
    await symlink('/etc', path.join(server.cwd, 'link'));
    const read = (file: string, more = {}) => ['request', 'fs/read_text_file', { path: file, ...more }];
    const write = (file: string) => ['request', 'fs/write_text_file', { path: file, content: 'new' }];
    const answersTo = async (...all: unknown[][]) => {
      const conversation = await create(steps(...all.flatMap((step) => [step, ['say', '\n']])));
      await conversation.reaches('finished');
      return (await answerOf(conversation)).trim().split('\n');
    };
    const file = (name: string) => path.join(server.cwd, name);
    expect(
      await answersTo(
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

  it('runs commands for an ACP agent', async () => {
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
      `${server.cwd}\n<secret-hidden> x\n|3b line\n|09998\n9999\n|0` +
        '{"error":"/etc is outside the workspace"}{"error":"There is no terminal none"}',
    );
  });

  it('stops an ACP agent on interrupt and keeps its session', async () => {
    const conversation = await startTurn(['hang']);
    expect((await conversation.post('interrupt')).status).toBe(200);
    expect((await conversation.events()).slice(-4).map(brief)).toEqual([
      ...['ACPToolCallEvent', 'MessageEvent', 'execution_status=paused', 'InterruptEvent'],
    ]);
    const [, ended] = await conversation.events('&kind=ACPToolCallEvent');
    expect(ended).toMatchObject({ tool_call_id: 't', status: 'failed', is_error: true });
    await conversation.send(steps(['recall']));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('prompts before: 1');
  });

  it('ends an ACP agent that ignores an interrupt and repeats the message it has not answered', async () => {
    const conversation = await startTurn(['hang', true]);
    const [first] = await conversation.events('&kind=MessageEvent');
    expect((await conversation.post('interrupt')).status).toBe(200);
    expect((await conversation.post('run')).status).toBe(200);
    await hasBegunTurn(conversation, 2);
    const state = (await conversation.info())['agent_state'];
    expect(state).toMatchObject({ acp_inflight_prompt_user_message_id: first?.id });
    await conversation.post('interrupt');
    await conversation.send('something else');
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('You said: something else');
  });

  it('sends messages that arrive during a turn to the ACP agent after the turn', async () => {
    const sent = path.join(server.cwd, 'both-are-sent');
    const conversation = await startTurn(['waitFor', sent], ['say', ' end']);
    await conversation.send('second', false);
    await conversation.send('third');
    await writeFile(sent, '');
    await conversation.reaches('finished');
    const answers = await conversation.events('&kind=ActionEvent');
    expect(answers.map((event) => event['action'])).toMatchObject([
      { message: 'began end' },
      { message: 'You said: second third' },
    ]);
    const statuses = await conversation.events('&kind=ConversationStateUpdateEvent');
    expect(statuses.map(brief).filter((text) => text.startsWith('execution'))).toEqual([
      'execution_status=running',
      'execution_status=finished',
    ]);
  });

  it('lets an ACP agent end its turn when the conversation is paused', async () => {
    const paused = path.join(server.cwd, 'is-paused');
    const conversation = await startTurn(['waitFor', paused], ['say', ' end']);
    expect((await conversation.post('pause')).status).toBe(200);
    expect(await conversation.status()).toBe('paused');
    await writeFile(paused, '');
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('began end');
  });
});
