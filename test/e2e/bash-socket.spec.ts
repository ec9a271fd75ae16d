import { once } from 'node:events';
import { WebSocket } from 'ws';
import { SocketRecorder } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const ROUTE = '/sockets/bash-events';
const KEY = 'a-session-key';
const MEBIBYTE = 1024 * 1024;

/** Whether a frame is the last one of a command. */
const isEnd = (frame: Record<string, unknown> | undefined): boolean =>
  typeof frame?.['exit_code'] === 'number';

describe('the socket of bash events', () => {
  let server: ServerProcess;
  beforeAll(async () => (server = await ServerProcess.start()));
  afterAll(() => server.stop());

  const connect = async (query = ''): Promise<SocketRecorder> => {
    const recorder = new SocketRecorder(server.socketUrl(ROUTE + query));
    await recorder.opened();
    return recorder;
  };
  const hasFrames = (recorder: SocketRecorder, count: number) =>
    eventually(() => recorder.frames.length >= count, `${count} frames`);
  const end = async (...recorders: SocketRecorder[]) => {
    const closed = Promise.all(recorders.map(({ socket }) => once(socket, 'close')));
    for (const { socket } of recorders) socket.close();
    await closed;
  };

  it('runs commands from frames and sends their events to all sockets', async () => {
    const [one, other] = [await connect(), await connect()];
    one.socket.send(JSON.stringify({ command: 'echo a; echo b >&2', cwd: '/tmp' }));
    await Promise.all([hasFrames(one, 2), hasFrames(other, 2)]);
    expect(one.frames).toEqual(other.frames);
    const [command, output] = one.frames;
    expect(command).toMatchObject({
      kind: 'BashCommand',
      command: 'echo a; echo b >&2',
      cwd: '/tmp',
      timeout: 300,
    });
    expect(output).toMatchObject({
      command_id: command?.['id'],
      order: 0,
      exit_code: 0,
      stdout: 'a\n',
      stderr: 'b\n',
    });
    const { body } = await server.request('POST', '/api/bash/start_bash_command', { command: 'true' });
    await hasFrames(other, 4);
    expect(other.frames[2]).toEqual(body);
    expect(other.frames[3]).toMatchObject({ exit_code: 0, stdout: null, stderr: null });
    await end(one, other);
  });

  it('replays earlier events once each before it sends live ones', async () => {
    const run = (word: string) =>
      server.request('POST', '/api/bash/execute_bash_command', { command: `echo ${word}` });
    for (let count = 0; count < 30; count += 1) await run('before');
    const recorders = await Promise.all(['?resend_mode=all', '?resend_all=true'].map(connect));
    await Promise.all(Array.from({ length: 5 }, () => run('meanwhile')));
    const { body } = await server.request('GET', '/api/bash/bash_events/search?limit=100');
    const { items } = body as { items: { id: string }[] };
    for (const recorder of recorders) {
      await hasFrames(recorder, items.length);
      expect(recorder.frames).toEqual(items);
    }
    const live = await connect();
    await run('after');
    await hasFrames(live, 2);
    expect(live.frames).toHaveLength(2);
    await end(...recorders, live);
  });

  it('waits for a slow reader and sends it each event once', async () => {
    const [slow, fast] = [await connect(), await connect()];
    slow.socket.pause();
    const command = `yes 'a line of the output of a careless command' | head -c ${30 * MEBIBYTE}`;
    const { body } = await server.request('POST', '/api/bash/execute_bash_command', { command });
    expect((body as { stdout: string }).stdout).toHaveLength(30 * MEBIBYTE);
    await eventually(() => isEnd(fast.frames.at(-1)), 'the end for the fast reader');
    slow.socket.resume();
    await eventually(() => isEnd(slow.frames.at(-1)), 'the end for the slow reader');
    expect(slow.frames.map(({ id }) => id)).toEqual(fast.frames.map(({ id }) => id));
    const length = slow.frames.reduce(
      (sum, { stdout }) => sum + (typeof stdout === 'string' ? stdout.length : 0),
      0,
    );
    expect(length).toBe(30 * MEBIBYTE);
    const next = await server.request('POST', '/api/bash/execute_bash_command', { command: 'echo more' });
    expect(next.status).toBe(200);
    await eventually(() => slow.frames.at(-1)?.['stdout'] === 'more\n', 'the next output');
    await end(slow, fast);
  });

  it('answers invalid frames with an error and continues', async () => {
    const recorder = await connect();
    for (const frame of [
      '{"nope":1}',
      'not json',
      '[1]',
      '{"command":1}',
      '{"type":"auth","session_api_key":"x"}',
    ]) {
      recorder.socket.send(frame);
    }
    recorder.socket.send(Buffer.from('{"command":"true"}'), { binary: true });
    recorder.socket.send('{"command":"echo on"}');
    await hasFrames(recorder, 7);
    expect(recorder.frames.map(({ code, kind }) => code ?? kind)).toEqual([
      'ValidationError',
      'JSONDecodeError',
      'ValidationError',
      'ValidationError',
      'ValueError',
      'BashCommand',
      'BashOutput',
    ]);
    expect(recorder.frames[0]).toMatchObject({
      detail: expect.stringMatching(
        /^1 validation error for ExecuteBashRequest\ncommand\n {2}Field required/,
      ) as string,
    });
    expect(recorder.frames[1]).toMatchObject({ detail: 'Expecting value: line 1 column 1 (char 0)' });
    await end(recorder);
  });

  it('refuses an unknown resend mode and more than fifty sockets', async () => {
    const refused = new WebSocket(server.socketUrl(`${ROUTE}?resend_mode=since`));
    const [error] = (await once(refused, 'error')) as [Error];
    expect(error.message).toContain('403');
    const recorders = await Promise.all(Array.from({ length: 51 }, () => connect()));
    await eventually(() => recorders.some(({ closeCode }) => closeCode === 1013), 'one too many');
    await end(...recorders.filter(({ closeCode }) => closeCode === undefined));
  });

  it('closes bash sockets with 1012 at shutdown', async () => {
    const other = await ServerProcess.start();
    const recorder = new SocketRecorder(other.socketUrl(ROUTE));
    await recorder.opened();
    const [code] = (await Promise.all([once(recorder.socket, 'close'), other.stop()]))[0] as [number];
    expect(code).toBe(1012);
  });
});

describe('the socket of bash events on a server with keys', () => {
  let server: ServerProcess;
  beforeAll(async () => (server = await ServerProcess.start({ env: { SESSION_API_KEY: KEY } })));
  afterAll(() => server.stop());

  it.each<[string, string, Record<string, string>, string | undefined]>([
    ['the query', `?session_api_key=${KEY}`, {}, undefined],
    ['a header', '', { 'x-session-api-key': KEY }, undefined],
    ['the first frame', '', {}, KEY],
  ])('accepts the session key of a bash socket from %s', async (_where, query, headers, first) => {
    const recorder = new SocketRecorder(server.socketUrl(ROUTE + query), headers);
    await recorder.opened();
    if (first !== undefined) recorder.socket.send(JSON.stringify({ type: 'auth', session_api_key: first }));
    recorder.socket.send('{"command":"echo k"}');
    await eventually(() => recorder.frames.length === 2, 'the output');
    expect(recorder.frames[1]).toMatchObject({ stdout: 'k\n' });
    recorder.socket.terminate();
  });

  it.each(['{"type":"auth","session_api_key":"wrong"}', '{"command":"touch never"}', 'x'.repeat(70_000)])(
    'closes a bash socket without a key with 4001: %#',
    async (frame) => {
      const recorder = new SocketRecorder(server.socketUrl(ROUTE));
      await recorder.opened();
      const closed = once(recorder.socket, 'close');
      recorder.socket.send(frame);
      expect((await closed)[0]).toBe(4001);
      expect(recorder.frames).toEqual([]);
    },
  );

  it('refuses a bash socket with a wrong key in the query', async () => {
    const socket = new WebSocket(server.socketUrl(`${ROUTE}?session_api_key=wrong`));
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('403');
  });
});
