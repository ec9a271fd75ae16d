import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { acpCommand, acpRequest, agentsWith, answerOf, steps, type AcpOptions } from '../support/acp.js';
import { ConversationClient } from '../support/conversation-client.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** The kind by which clients choose what to advise. */
const KINDS: Record<string, string> = {
  ACPSpawnError: 'config',
  ACPInitError: 'config',
  ACPPromptError: 'config',
  ACPStartupTimeout: 'unknown',
  ACPAuthRequired: 'auth',
};
const ALWAYS_CONFIRM = { confirmation_policy: { kind: 'AlwaysConfirm' } };
const matching = (text: RegExp): unknown => expect.stringMatching(text);
const containing = (text: string): unknown => expect.stringContaining(text);

describe('failures of ACP agents', () => {
  let sessions: string;
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: { ...WITHOUT_SANDBOX, LOG_LEVEL: 'DEBUG' } });
    sessions = path.join(server.cwd, 'sessions');
    await mkdir(sessions);
  });
  afterAll(() => server.stop());

  const create = (message?: string, options?: AcpOptions) =>
    ConversationClient.create(server, acpRequest(path.join(server.cwd, 'work'), message, options));
  const errorOf = async (message: string, options?: AcpOptions) => {
    const conversation = await create(message, options);
    await conversation.reaches('error');
    const errors = await conversation.events('&kind=ConversationErrorEvent');
    return errors.map(({ code, detail, classification }) => [code, detail, field(classification, 'kind')]);
  };

  it.each([
    [
      'a command that does not exist',
      { acp_command: ['/no/such'] },
      'ACPSpawnError',
      /No such file.*'\/no\/such'/,
    ],
    ['an empty command', { acp_command: [] }, 'ACPInitError', /acp_command is empty/],
    [
      'a process that exits',
      { acp_command: ['sh', '-c', 'echo why >&2; exit 3'] },
      'ACPInitError',
      /exit code 3: why/,
    ],
    [
      'a process that never answers',
      { acp_command: acpCommand('--mute', 'initialize'), acp_startup_timeout: 1 },
      ...(['ACPStartupTimeout', /timed out after 1s/] as const),
    ],
    [
      'a process that speaks another protocol',
      { acp_command: ['yes'] },
      'ACPInitError',
      /does not speak the Agent Client Protocol/,
    ],
    ['a missing login', { acp_command: acpCommand('--auth', 'x') }, 'ACPAuthRequired', /\[-32000\]/],
    [
      'a prompt without an answer',
      { acp_command: acpCommand('--mute', 'session/prompt'), acp_prompt_timeout: 0.5 },
      ...(['ACPPromptError', /no activity/] as const),
    ],
  ])('reports %s with its error code', async (_what, agent, code, text) => {
    expect(await errorOf('hello', { agent })).toEqual([[code, matching(text), KINDS[code]]]);
  });

  it('keeps what an ACP agent wrote before it failed', async () => {
    const conversation = await create(steps(['say', 'half'], ['fail', 'Boom']));
    await conversation.reaches('error');
    expect(JSON.stringify(await conversation.events('&kind=MessageEvent'))).toMatch(
      /"half".*\[-32603\] Boom/,
    );
    await conversation.send('better');
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('You said: better');
  });

  it('ignores lines of output that are not protocol messages', async () => {
    const conversation = await create(
      steps(['stdout', '{"not": "ours"}'], ['stdout', 'noise ['], ['say', 'fine']),
      {
        args: ['--banner', 'Welcome to me!'],
      },
    );
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('fine');
  });

  it('reads thousands of updates and truncates long fields', async () => {
    const long = 'x'.repeat(300_000);
    const call = {
      sessionUpdate: 'tool_call',
      toolCallId: 't',
      title: 'T',
      status: 'completed',
      rawOutput: { long },
    };
    const many = Array.from({ length: 3_000 }, (_, at) => ['say', `${at % 10}`]);
    const conversation = await create(steps(['update', call], ...many));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toHaveLength(3_000);
    const [event] = await conversation.events('&kind=ACPToolCallEvent');
    expect(JSON.stringify(event).length).toBeLessThan(40_000);
  });

  it('logs in to an ACP agent with the environment variable that it names', async () => {
    const args = ['--auth', 'test-api-key', '--auth-env', 'TEST_API_KEY'];
    const secrets = { TEST_API_KEY: { kind: 'StaticSecret', value: 'hush-hush' } };
    const conversation = await create('hello', { args, secrets });
    await conversation.reaches('finished');
  });

  it('passes secrets in variables or files and masks them in events and in the log', async () => {
    const secrets = {
      MY_KEY: { kind: 'StaticSecret', value: 'hush-hush' },
      CODEX_AUTH_JSON: { kind: 'StaticSecret', value: '{"token":"sh-sh-sh"}' },
    };
    const call = {
      ...{ sessionUpdate: 'tool_call', toolCallId: 't', status: 'completed' },
      ...{ title: 'echo hush-hush', rawInput: { command: 'hush-hush' }, rawOutput: 'hush-hush' },
    };
    const conversation = await create(
      steps(
        ...[
          ['env', 'MY_KEY'],
          ['env', 'CODEX_AUTH_JSON'],
          ['env', 'CODEX_HOME'],
          ['think', 'hush-hush'],
        ],
        ...[
          ['update', call],
          ['stderr', 'key hush-hush is bad'],
          ['stdout', 'noise hush-hush'],
        ],
      ),
      { secrets },
    );
    await conversation.reaches('finished');
    const answer = await answerOf(conversation);
    expect(answer).toMatch(/^MY_KEY=<secret-hidden>;CODEX_AUTH_JSON=;CODEX_HOME=.*\/acp\/codex;$/);
    const home = /CODEX_HOME=(.*);/.exec(answer)?.[1] ?? '';
    expect(await readFile(path.join(home, 'auth.json'), 'utf8')).toBe('{"token":"sh-sh-sh"}');
    const events = (await conversation.events()).filter(({ source }) => source !== 'user');
    expect(JSON.stringify(events)).not.toContain('hush-hush');
    await server.logs('noise <secret-hidden>');
    await server.logs('key <secret-hidden> is bad');
    expect(server.log).not.toContain('hush-hush');
  });

  it('restarts a crashed ACP agent with its session on the next message', async () => {
    const conversation = await create(steps(['say', 'hi'], ['exit', 3]), { args: ['--sessions', sessions] });
    await conversation.reaches('error');
    const [error] = await conversation.events('&kind=ConversationErrorEvent');
    expect(error).toMatchObject({ code: 'ACPPromptError', detail: containing('exit code 3') });
    const before = await conversation.info();
    await conversation.send(steps(['recall']));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('prompts before: 1');
    const after = await conversation.info();
    expect(field(after['agent_state'], 'acp_session_id')).toEqual(
      field(before['agent_state'], 'acp_session_id'),
    );
  });

  it.each([
    ['loading', []],
    ['resuming', ['--resume']],
  ])('continues after a restart of the server by %s the session', async (_how, more) => {
    let other = await ServerProcess.start({ env: WITHOUT_SANDBOX });
    const request = acpRequest(path.join(server.cwd, 'work'), 'first', {
      args: ['--sessions', sessions, ...more],
    });
    let conversation = await ConversationClient.create(other, request);
    await conversation.reaches('finished');
    other = await other.restart();
    conversation = conversation.on(other);
    await conversation.send(steps(['recall']));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('prompts before: 1');
    expect(JSON.stringify(await conversation.events())).not.toContain('REPLAYED');
    await other.stop();
  });

  it.each([
    ['the deletion of its conversation', 'delete'],
    ['the shutdown of the server', 'stop'],
    ['a crash of the server', 'kill'],
  ])('ends the process of an ACP agent after %s', async (_what, how) => {
    const mark = `orphan-${how}`;
    let other = await ServerProcess.start({ env: WITHOUT_SANDBOX });
    const args = ['--stubborn', '--banner', mark];
    const request = acpRequest(path.join(server.cwd, 'work'), steps(['say', 'x'], ['hang', true]), { args });
    const conversation = await ConversationClient.create(other, request);
    await eventually(async () => (await agentsWith(mark)).length === 1, 'the start of the agent');
    if (how === 'delete') await other.request('DELETE', conversation.route);
    else if (how === 'stop') await other.end();
    else other = await other.restart('SIGKILL');
    await eventually(async () => (await agentsWith(mark)).length === 0, 'the end of the agent');
    if (how === 'kill') expect(await conversation.on(other).reaches('paused')).toBe('paused');
    await other.stop();
  });

  it.each([
    ['finished', false, steps(['say', 'x'])],
    ['finished', true, steps(['say', 'x'])],
    ['waiting_for_confirmation', false, steps(['ask', { toolCallId: 'x', title: 'X' }])],
  ])(
    'ends the ACP agent of a conversation that is %s after a crash, resume_on_start: %s',
    async (status, resume, message) => {
      const mark = `left-${status}-${resume}`;
      const env = { ...WITHOUT_SANDBOX, OH_RESUME_ON_START: String(resume) };
      let other = await ServerProcess.start({ env });
      const options = { args: ['--stubborn', '--banner', mark], ...ALWAYS_CONFIRM };
      const request = acpRequest(path.join(server.cwd, 'work'), message, options);
      const conversation = await ConversationClient.create(other, request);
      await conversation.reaches(status);
      await eventually(
        async () => (await storedIn(other.cwd)).includes(`"${status}"`),
        'the status to be stored',
      );
      await other.end('SIGKILL');
      expect(await agentsWith(mark)).toHaveLength(1);
      other = await other.restart();
      // Without a request for the conversation.
      await eventually(async () => (await agentsWith(mark)).length === 0, 'the end of the agent');
      expect((await conversation.on(other).info()).execution_status).toBe(status);
      await other.stop();
    },
  );

  it('leaves the ACP agents of another running server alone', async () => {
    const [own, orphaned] = ['agent-own', 'agent-orphaned'];
    let other = await ServerProcess.start({ env: WITHOUT_SANDBOX });
    const create = async (on: ServerProcess, mark: string) => {
      const args = ['--stubborn', '--banner', mark];
      const request = acpRequest(path.join(server.cwd, 'work'), 'hello', { args });
      await (await ConversationClient.create(on, request)).reaches('finished');
    };
    const running = await ServerProcess.start({ cwd: other.cwd, env: WITHOUT_SANDBOX });
    await create(running, own);
    await create(other, orphaned);
    other = await other.restart('SIGKILL');
    await eventually(async () => (await agentsWith(orphaned)).length === 0, 'the end of the agent');
    expect(await agentsWith(own)).toHaveLength(1);
    await running.stop();
    await other.stop();
  });
});

/** What is stored of the only conversation in this folder. */
async function storedIn(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true });
  const file = names.find((name) => path.basename(name) === 'metadata.json');
  return file === undefined ? '' : readFile(path.join(folder, file), 'utf8');
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
