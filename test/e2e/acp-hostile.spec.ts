import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  acpRequest,
  agentsEnd,
  answerOf,
  processesWith,
  steps,
  stubborn,
  type AcpOptions,
} from '../support/acp.js';
import { ConversationClient } from '../support/conversation-client.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const SECRETS = { MY_KEY: { kind: 'StaticSecret', value: 'hush-hush' } };
const RUNNING_CALL = { sessionUpdate: 'tool_call', toolCallId: 't', title: 'Run', status: 'in_progress' };

describe('a hostile ACP agent', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: WITHOUT_SANDBOX });
  });
  afterAll(() => server.stop());

  const create = (message?: string, options?: AcpOptions) =>
    ConversationClient.create(server, acpRequest(server.cwd, message, options));
  const post = async (conversation: ConversationClient, what: string, body: object = {}) => {
    const { status, body: answer } = await conversation.post(what, body);
    return { status, text: JSON.stringify(answer) };
  };
  const errorOf = async (conversation: ConversationClient) => {
    await conversation.reaches('error');
    const [error] = await conversation.events('&kind=ConversationErrorEvent');
    return error;
  };
  const isRunning = (conversation: ConversationClient) =>
    eventually(
      async () => (await conversation.events('&kind=ACPToolCallEvent')).length > 0,
      'a tool call of the agent',
    );

  it('grants an ACP agent no permission for another session', async () => {
    const conversation = await create(steps(['askAs', 'another', { toolCallId: 'x', title: 'X' }]));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('[cancelled]');
  });

  it('grants an ACP agent no permission in answer to ask_agent', async () => {
    const conversation = await create(steps(['update', RUNNING_CALL], ['hang']), { args: ['--fork'] });
    await isRunning(conversation);
    const question = steps(['ask', { toolCallId: 'x', title: 'X' }]);
    expect(await post(conversation, 'ask_agent', { question })).toEqual({
      status: 200,
      text: '{"response":"[cancelled]"}',
    });
    await post(conversation, 'interrupt');
  });

  it.each([
    ['ask_agent', { question: '?' }, ['--fork', '--refuse', 'session/fork', 'not with hush-hush']],
    ['ask_agent', { question: steps(['fail', 'not with hush-hush']) }, ['--fork']],
    ['switch_acp_model', { model: 'large' }, ['--refuse', 'session/set_model', 'not with hush-hush']],
  ])('masks secrets in the error when an ACP agent refuses %s', async (what, body, args) => {
    const conversation = await create('hello', { args, secrets: SECRETS });
    await conversation.reaches('finished');
    const { status, text } = await post(conversation, what, body);
    expect(text).toContain('not with <secret-hidden>');
    expect(status).toBe(400);
  });

  it.each([
    ['ask_agent', { question: '?' }, ['--fork', '--mute', 'session/fork']],
    ['switch_acp_model', { model: 'large' }, ['--mute', 'session/set_model']],
  ])('answers 504 when an ACP agent does not answer %s', async (what, body, args) => {
    const conversation = await create('hello', { args, agent: { acp_startup_timeout: 2 } });
    await conversation.reaches('finished');
    expect((await post(conversation, what, body)).status).toBe(504);
  });

  it('answers ask_agent with 504 after the time that a turn may be silent', async () => {
    const conversation = await create('hello', { args: ['--fork'], agent: { acp_prompt_timeout: 1 } });
    await conversation.reaches('finished');
    expect((await post(conversation, 'ask_agent', { question: steps(['hang', true]) })).status).toBe(504);
  });

  it('ends the terminals and child processes of an ACP agent that exits', async () => {
    const seconds = '86399.75';
    const conversation = await create(
      steps(
        ['leave', 'sleep', seconds],
        ['request', 'terminal/create', { command: 'sleep', args: [seconds] }],
        ['update', RUNNING_CALL],
        ['waitFor', path.join(server.cwd, 'exit-now')],
        ['exit', 3],
      ),
    );
    await isRunning(conversation);
    expect(running('sleep', seconds)).toBe(2);
    await writeFile(path.join(server.cwd, 'exit-now'), '');
    expect(await errorOf(conversation)).toMatchObject({ code: 'ACPPromptError' });
    await eventually(() => running('sleep', seconds) === 0, 'the end of the processes');
  });

  it.each([
    ['is nested too deeply', ['[', 20_000, ']'], 'Nested more than 128 levels deep'],
    [
      'has too many values on many levels',
      ['[[],[],[],[],', 1_000_000, '1]'],
      'Nested more than 128 levels deep',
    ],
    ['is too long a list', ['[{}', 1, `${',{}'.repeat(200_000)}]`], 'More than 100000 values'],
  ])('ends an ACP agent that reports a tool call whose input %s', async (_, input, reason) => {
    const conversation = await create(steps(['input', ...input], ['hang']));
    expect((await errorOf(conversation))?.['detail']).toContain(reason);
  });

  it('ends an ACP agent that prints an endless line', async () => {
    const args = stubborn('endless');
    const conversation = await create(steps(['flood', 100], ['hang', true]), { args });
    const error = await errorOf(conversation);
    expect(error?.['code']).toBe('ACPPromptError');
    expect(error?.['detail']).toContain('more than 33554432 bytes');
    await agentsEnd('endless');
    await conversation.send('still there?');
    await conversation.reaches('finished');
  });

  it.each(['{}', '{"sessionId":7}', 'null'])('rejects %s as the answer to session/new', async (answer) => {
    const conversation = await create('hello', { args: ['--answer', 'session/new', answer] });
    expect(await errorOf(conversation)).toMatchObject({ code: 'ACPInitError' });
  });

  it.each(['{}', 'null', '{"stopReason":"whatever"}'])(
    'survives %s as the answer to session/prompt',
    async (answer) => {
      const conversation = await create('hello', { args: ['--answer', 'session/prompt', answer] });
      expect(['finished', 'error']).toContain(await conversation.reaches('finished', 'error'));
      await conversation.send('again');
      await conversation.reaches('finished', 'error');
    },
  );

  it('limits the terminals of an ACP agent', async () => {
    const conversation = await create(
      steps(['burst', 60, 'terminal/create', { command: 'sleep', args: ['60'] }]),
    );
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('served 32');
  });

  it('refuses an ACP agent a pipe as a file, without blocking the server', async () => {
    execFileSync('mkfifo', [path.join(server.cwd, 'pipe')]);
    const conversation = await create(
      steps(['request', 'fs/read_text_file', { path: path.join(server.cwd, 'pipe') }]),
    );
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toContain('is not a file');
  });

  it('does not let an ACP agent write through dangling links out of the workspace', async () => {
    const outside = await realpath(await mkdtemp(path.join(os.tmpdir(), 'acp-outside-')));
    await symlink(path.join(outside, 'file'), path.join(server.cwd, 'file-link'));
    await symlink(path.join(outside, 'folder'), path.join(server.cwd, 'folder-link'));
    const write = (...names: string[]) => {
      const request = { path: path.join(server.cwd, ...names), content: 'x' };
      return ['request', 'fs/write_text_file', request];
    };
    const conversation = await create(steps(write('file-link'), write('folder-link', 'file')));
    await conversation.reaches('finished');
    expect(await readdir(outside)).toEqual([]);
    await rm(outside, { recursive: true });
  });

  it('ends an ACP agent that waits for a permission on deletion and on shutdown', async () => {
    const other = await ServerProcess.start();
    const policy = { confirmation_policy: { kind: 'AlwaysConfirm' } };
    const ask = steps(['ask', { toolCallId: 'x', title: 'X' }]);
    const waiting = async (mark: string) => {
      const args = stubborn(mark);
      const conversation = await ConversationClient.create(
        other,
        acpRequest(server.cwd, ask, { args, ...policy }),
      );
      await conversation.reaches('waiting_for_confirmation');
      return conversation;
    };
    const gone = await waiting('waits-deleted');
    const interrupted = await waiting('waits-stopped');
    expect((await interrupted.post('interrupt')).status).toBe(200);
    await other.request('DELETE', gone.route);
    await agentsEnd('waits-deleted');
    await other.stop();
    await agentsEnd('waits-');
  });

  it('bounds the memory for tool calls that an ACP agent never completes', async () => {
    const before = await currentMemoryOf(server.pid);
    const conversation = await create(steps(['calls', 60, 4]));
    // The server checks and parses 240 MB, which takes long on a busy machine.
    const isFinished = async () => (await conversation.status()) === 'finished';
    await eventually(isFinished, 'the end of the run', 110_000);
    expect((await peakMemoryOf(server.pid)) - before).toBeLessThan(240);
  }, 120_000);

  /** An agent that requests a file of five megabytes repeatedly and reads no answer. */
  const requestWithoutReading = async (times: number, mark: string, agent: object = {}) => {
    const file = path.join(server.cwd, 'long');
    await writeFile(file, 'x'.repeat(5 * 1024 * 1024));
    const args = stubborn(mark);
    const request = steps(['requestMany', times, 'fs/read_text_file', { path: file }]);
    return create(request, { args, agent });
  };

  it('bounds the memory for answers that an ACP agent does not read, and ends it', async () => {
    const before = await currentMemoryOf(server.pid);
    const conversation = await requestWithoutReading(300, 'reads-nothing', { acp_prompt_timeout: 3 });
    const error = await errorOf(conversation);
    expect((await peakMemoryOf(server.pid)) - before).toBeLessThan(400);
    expect(error?.['code']).toBe('ACPPromptError');
    expect(error?.['detail']).toContain('did not read a message within 3s');
    await agentsEnd('reads-nothing');
    await conversation.send('still there?');
    await conversation.reaches('finished');
  });

  it('interrupts an ACP agent that reads nothing', async () => {
    const conversation = await requestWithoutReading(20, 'ignores-input');
    await isRunning(conversation);
    expect((await post(conversation, 'interrupt')).status).toBe(200);
    await conversation.reaches('paused');
    await agentsEnd('ignores-input');
  });

  it('answers hundreds of concurrent requests of an ACP agent that reads', async () => {
    const file = path.join(server.cwd, 'short');
    await writeFile(file, 'short');
    const read = ['burst', 600, 'fs/read_text_file', { path: file }];
    const conversation = await create(steps(read, ['burst', 3, 'terminal/wait_for_exit', {}]));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toBe('served 600served 0');
  });

  it('refuses a goal for an ACP agent, which has no model for the audit', async () => {
    const conversation = await create('hello');
    await conversation.reaches('finished');
    const { status, text } = await post(conversation, 'goal', { objective: 'All is done' });
    expect(text).toContain('ACP');
    expect(status).toBe(400);
    expect(await conversation.events('&kind=ConversationErrorEvent')).toEqual([]);
  });
});

/** How many processes run with this command line. */
function running(...words: string[]): number {
  return processesWith((found) => found.join('\0') === words.join('\0')).length;
}

/** The memory that a process has now (megabytes), from which on its peak counts. */
async function currentMemoryOf(pid: number): Promise<number> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  return peakMemoryOf(pid);
}

/** The most memory that a process has had (megabytes). */
async function peakMemoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
