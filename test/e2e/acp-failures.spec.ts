import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  acpCommand,
  acpRequest,
  agentsEnd,
  agentsWith,
  answerOf,
  steps,
  stubborn,
  type AcpOptions,
} from '../support/acp.js';
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
const SAYS_X = steps(['say', 'x']);
const ASKS = steps(['ask', { toolCallId: 'x', title: 'X' }]);
const HANGING = steps(['say', 'x'], ['hang', true]);
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

  it('ends the process of an ACP agent after the deletion of its conversation', async () => {
    const conversation = await create(HANGING, { args: stubborn('deleted') });
    await eventually(() => agentsWith('deleted').length === 1, 'the start of the agent');
    await server.request('DELETE', conversation.route);
    await agentsEnd('deleted');
  });

  describe('whose server ends', () => {
    /** Shares its folder with `server`. */
    let ending: ServerProcess;
    beforeAll(async () => {
      ending = await ServerProcess.start({ cwd: server.cwd, env: WITHOUT_SANDBOX });
    });
    afterAll(() => ending.stop());

    const begin = (message: string, options: AcpOptions, on = ending) =>
      ConversationClient.create(on, acpRequest(path.join(server.cwd, 'work'), message, options));
    const beginHanging = async (mark: string) => {
      const conversation = await begin(HANGING, { args: stubborn(mark) });
      await eventually(() => agentsWith(mark).length === 1, 'the start of the agent');
      return conversation;
    };
    /** Begins a conversation and waits until its status is stored. */
    const beginStored = async (status: string, mark: string, message: string) => {
      const conversation = await begin(message, { args: stubborn(mark), ...ALWAYS_CONFIRM });
      await conversation.reaches(status);
      const file = path.join(
        ...[server.cwd, 'workspace/conversations', conversation.id.replaceAll('-', ''), 'metadata.json'],
      );
      const isStored = async () => (await readFile(file, 'utf8')).includes(`"${status}"`);
      await eventually(isStored, 'the status to be stored');
      return conversation;
    };

    describe('by a shutdown', () => {
      const conversations = new Map<string, ConversationClient>();
      let agentHasEnded: boolean;
      beforeAll(async () => {
        for (const how of ['load', 'resume']) {
          const args = ['--sessions', sessions, ...(how === 'resume' ? ['--resume'] : [])];
          const conversation = await begin('first', { args });
          await conversation.reaches('finished');
          conversations.set(how, conversation);
        }
        await beginHanging('shut-down');
        await ending.end();
        // Before the next server, which would end it as well.
        agentHasEnded = await agentsEnd('shut-down').then(
          () => true,
          () => false,
        );
        ending = await ending.restart();
      });

      it('ends the process of an ACP agent', () => {
        expect(agentHasEnded).toBe(true);
      });

      it.each(['load', 'resume'])('continues after a restart of the server with session/%s', async (how) => {
        const conversation = conversations.get(how)?.on(ending);
        await conversation?.send(steps(['recall']));
        await conversation?.reaches('finished');
        expect(conversation && (await answerOf(conversation))).toBe('prompts before: 1');
        expect(JSON.stringify(await conversation?.events())).not.toContain('REPLAYED');
      });
    });

    describe('by a crash', () => {
      let hanging: ConversationClient;
      let finished: ConversationClient;
      let waiting: ConversationClient;
      let left: number[];
      beforeAll(async () => {
        const own = await begin('hello', { args: stubborn('agent-of-another') }, server);
        await own.reaches('finished');
        hanging = await beginHanging('agent-hanging');
        finished = await beginStored('finished', 'agent-finished', SAYS_X);
        waiting = await beginStored('waiting_for_confirmation', 'agent-waiting', ASKS);
        await ending.end('SIGKILL');
        left = [agentsWith('agent-finished'), agentsWith('agent-waiting')].map(({ length }) => length);
        ending = await ending.restart();
      });

      it('ends the process of a running ACP agent and pauses its conversation', async () => {
        await agentsEnd('agent-hanging');
        expect(await hanging.on(ending).reaches('paused')).toBe('paused');
      });

      it.each([
        ['finished', 0, () => finished],
        ['waiting_for_confirmation', 1, () => waiting],
      ])(
        'ends the ACP agent of a conversation that is %s, without a request for it',
        async (status, at, of) => {
          expect(left[at]).toBe(1);
          await agentsEnd(at === 0 ? 'agent-finished' : 'agent-waiting');
          expect((await of().on(ending).info()).execution_status).toBe(status);
        },
      );

      it('leaves the ACP agents of another running server alone', async () => {
        await agentsEnd('agent-finished');
        expect(agentsWith('agent-of-another')).toHaveLength(1);
      });
    });

    it('ends the ACP agent of a finished conversation after a crash, with resume_on_start', async () => {
      const conversation = await beginStored('finished', 'agent-resumed', SAYS_X);
      await ending.end('SIGKILL');
      expect(agentsWith('agent-resumed')).toHaveLength(1);
      ending = await ending.restart('SIGKILL', { env: { ...WITHOUT_SANDBOX, OH_RESUME_ON_START: 'true' } });
      // Without a request for the conversation.
      await agentsEnd('agent-resumed');
      expect((await conversation.on(ending).info()).execution_status).toBe('finished');
    });
  });
});

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
