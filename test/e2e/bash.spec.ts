import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { isAlive } from '../support/is-alive.js';
import { openHandles } from '../support/open-handles.js';
import { rawRequest } from '../support/raw-request.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';

interface Output {
  id: string;
  kind: string;
  command_id: string;
  order: number;
  exit_code: number | null;
  stdout: string | null;
  stderr: string | null;
}

interface Page {
  items: Output[];
  next_page_id: string | null;
}

describe('bash commands', () => {
  let server: ServerProcess;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'bash-'));
    server = await ServerProcess.start({
      env: {
        ...{ ...WITHOUT_SANDBOX, OH_SECRET_KEY: 'a-key', OTHER_VARIABLE: 'x' },
        OH_BASH_OUTPUT_LIMIT_CHARS: '3000000',
      },
    });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const post = async (route: string, body: unknown) => {
    const answer = await server.request('POST', `/api/bash/${route}`, body);
    return answer.body as Output;
  };
  const execute = (command: string, more: object = {}) => post('execute_bash_command', { command, ...more });
  const start = (command: string, more: object = {}) => post('start_bash_command', { command, ...more });
  const search = (query: string) => searchOn(server, query);
  const outputs = async (id: string, query = '') => (await search(`command_id__eq=${id}${query}`)).items;

  it.each([
    ['echo out; echo err >&2; exit 3', {}, 3, 'out\n', 'err\n'],
    ['true', {}, 0, null, null],
    ['', {}, 0, null, null],
    ['kill -9 $$', {}, -9, null, null],
    ['echo before; sleep 60', { timeout: 1 }, -1, 'before\n', null],
    ['echo hi', { timeout: 0 }, -1, null, null],
    ['echo hi', { timeout: -5 }, -1, null, null],
    ["printf '\\377x'", {}, 0, '\ufffdx', null],
    ['(sleep 0.3; echo late) & echo early', {}, 0, 'early\nlate\n', null],
    ['cat', {}, 0, null, null],
    ['echo [$OH_SECRET_KEY][$OTHER_VARIABLE][$AI_AGENT]; tty', {}, 1, '[][][openhands]\nnot a tty\n', null],
  ])('reports the exit code and output of %s %j', async (command, more, exit_code, stdout, stderr) => {
    expect(await execute(command, more)).toMatchObject({
      kind: 'BashOutput',
      order: 0,
      exit_code,
      stdout,
      stderr,
    });
  });

  it('reports why a bash command could not be started', async () => {
    const missing = await execute('pwd', { cwd: '/nonexistent' });
    const words = "Error executing command: [Errno 2] No such file or directory: '/nonexistent'";
    expect(missing).toMatchObject({ exit_code: -1, stdout: null, stderr: words });
    await writeFile(path.join(folder, 'file'), '');
    const file = await execute('pwd', { cwd: path.join(folder, 'file') });
    expect(file.stderr).toContain('[Errno 20] Not a directory');
    const long = await execute(`echo ${'x'.repeat(200_000)}`);
    expect([long.exit_code, long.stderr]).toEqual([
      -1,
      expect.stringContaining('[Errno 7] Argument list too long'),
    ]);
    const nul = await execute('echo \0');
    expect(nul.exit_code).toBe(-1);
  });

  it('runs a bash command in the given folder or in that of the server', async () => {
    expect((await execute('pwd')).stdout).toBe(`${server.cwd}\n`);
    expect((await execute('pwd', { cwd: folder })).stdout).toBe(`${folder}\n`);
    await mkdir(path.join(server.cwd, 'below'), { recursive: true });
    expect((await execute('pwd', { cwd: 'below' })).stdout).toBe(`${path.join(server.cwd, 'below')}\n`);
  });

  it('records output at the end of a bash command, or as it comes on request', async () => {
    const buffered = await start('echo a; sleep 0.5; echo b');
    expect(Object.keys(buffered)).toEqual(['command', 'cwd', 'timeout', 'id', 'timestamp', 'kind']);
    const streamed = await start('echo a; while [ ! -e go ]; do sleep 0.05; done; echo b', {
      cwd: folder,
      stream: true,
    });
    await eventually(async () => (await outputs(streamed.id)).length === 1, 'the first output');
    expect((await outputs(streamed.id))[0]).toMatchObject({
      order: 0,
      exit_code: null,
      stdout: 'a\n',
      stderr: null,
    });
    await writeFile(path.join(folder, 'go'), '');
    await eventually(async () => (await outputs(streamed.id)).at(-1)?.exit_code === 0, 'the end');
    expect((await outputs(streamed.id)).map(({ stdout }) => stdout ?? '').join('')).toBe('a\nb\n');
    await eventually(async () => (await outputs(buffered.id)).length > 0, 'the output');
    expect(await outputs(buffered.id)).toMatchObject([{ order: 0, exit_code: 0, stdout: 'a\nb\n' }]);
    expect(await outputs(buffered.id, '&order__gt=0')).toEqual([]);
  });

  it('refuses a command while 100 are running, and tells the client to retry', async () => {
    const conversation = await ConversationClient.create(server, scriptedRequest(folder));
    const route = `${conversation.route}/bash/start_bash_command`;
    const startOne = () => server.request('POST', route, { command: 'sleep 1000' });
    const answers = await Promise.all(Array.from({ length: 101 }, startOne));
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toMatchObject([{ status: 429, body: { detail: 'Too many commands are running' } }]);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    // Ends the commands.
    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
  });

  it('splits long output into events of a megabyte', async () => {
    const whole = await execute("head -c 2500000 /dev/zero | tr '\\0' x");
    expect([whole.order, whole.exit_code, whole.stdout?.length]).toEqual([2, 0, 2_500_000]);
    const pieces = await outputs(whole.command_id);
    expect(pieces.map(({ stdout, exit_code }) => [stdout?.length, exit_code])).toEqual([
      [1_048_576, null],
      [1_048_576, null],
      [402_848, 0],
    ]);
  });

  it('bounds the recorded output of one bash command', async () => {
    const long = await execute('head -c 250000000 /dev/zero | tr "\\0" x');
    expect([long.exit_code, long.stdout?.length]).toEqual([0, 3_000_000]);
    expect(long.stderr).toBe('[247000000 more characters of output were not recorded]\n');
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8').catch(() => undefined);
    const peak = Number(/VmHWM:\s+(\d+) kB/.exec(status ?? '')?.[1] ?? 0);
    expect(peak).toBeLessThan(300_000);
  });

  it('ends the child processes of a bash command that is stopped', async () => {
    const trapped = await start(
      'trap "echo trapped; exit 7" TERM; echo run; sleep 1000 & echo $! > pid; wait',
      {
        cwd: folder,
        stream: true,
      },
    );
    await eventually(async () => (await outputs(trapped.id)).length > 0, 'the first output');
    const pid = Number(await readFile(path.join(folder, 'pid'), 'utf8'));
    expect(isAlive(pid)).toBe(true);
    const stop = () => server.request('POST', `/api/bash/bash_commands/${trapped.id}/stop`);
    expect(await stop()).toMatchObject({ status: 200, body: { success: true } });
    await eventually(async () => (await outputs(trapped.id)).at(-1)?.exit_code === 7, 'the end');
    expect((await outputs(trapped.id)).map(({ stdout }) => stdout ?? '').join('')).toBe('run\ntrapped\n');
    await eventually(() => !isAlive(pid), 'the end of its child process');
    expect(await stop()).toMatchObject({ status: 200, body: { success: true } });
  });

  it('ends the bash commands of a deleted conversation and leaves no file open', async () => {
    const conversation = await ConversationClient.create(server, scriptedRequest(folder, 'SAY: hi'));
    await conversation.reaches('finished');
    const { body } = await conversation.post('bash/start_bash_command', {
      command: 'echo $$; exec sleep 1000',
      stream: true,
    });
    const { id } = body as Output;
    const route = `${conversation.route}/bash/bash_events/search?command_id__eq=${id}`;
    const printed = async () => ((await server.request('GET', route)).body as Page).items[0]?.stdout ?? '';
    await eventually(async () => (await printed()) !== '', 'the process id');
    const pid = Number(await printed());
    expect(isAlive(pid)).toBe(true);
    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
    await eventually(() => !isAlive(pid), 'the end of the command');
    const { files } = await openHandles(server.pid);
    expect(files.filter((file) => file.includes(conversation.id.replaceAll('-', '')))).toEqual([]);
  });

  it('kills a bash command that ignores SIGTERM', async () => {
    const began = Date.now();
    const stubborn = await execute('trap "" TERM; echo $$; while :; do sleep 0.1; done', { timeout: 1 });
    expect([stubborn.exit_code, Date.now() - began < 10_000]).toEqual([-1, true]);
    expect(isAlive(Number(stubborn.stdout))).toBe(false);
  });

  it.each([
    ['POST', 'execute_bash_command', {}, 422, 'missing'],
    ['POST', 'execute_bash_command', { command: 'true', timeout: 'x' }, 422, 'int_parsing'],
    ['POST', 'bash_commands/00000000-0000-0000-0000-000000000001/stop', undefined, 404, 'Not Found'],
    ['POST', 'bash_commands/nope/stop', undefined, 422, 'uuid_parsing'],
    ['GET', 'bash_events/search?limit=0', undefined, 422, 'greater_than'],
    ['GET', 'bash_events/search?limit=101', undefined, 422, 'less_than_equal'],
    ['GET', 'bash_events/search?kind__eq=BashError', undefined, 422, 'literal_error'],
    ['GET', 'bash_events/deadbeef', undefined, 404, 'Not Found'],
    ['GET', 'bash_events/..%2f..%2fetc%2fpasswd', undefined, 404, 'Not Found'],
    ['GET', 'bash_events/', undefined, 422, 'missing'],
    ['DELETE', 'bash_events/', undefined, 405, 'Method Not Allowed'],
  ])('rejects the invalid bash request %s %s', async (method, route, body, status, what) => {
    const answer = await server.request(method, `/api/bash/${route}`, body);
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(what)]);
  });
});

describe('the history of bash commands', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: { ...WITHOUT_SANDBOX, OH_BASH_EVENTS_MAX_COUNT: '10' } });
  });
  afterAll(() => server.stop());

  const execute = async (command: string) =>
    (await server.request('POST', '/api/bash/execute_bash_command', { command })).body as Output;
  const search = (query: string) => searchOn(server, query);
  const clear = () => server.request('DELETE', '/api/bash/bash_events');

  it('pages the bash history in both directions, reads events by id and clears it', async () => {
    await clear();
    const all = [];
    for (const word of ['a', 'b', 'c']) all.push(await execute(`echo ${word}`));
    const first = await search('limit=2&sort_order=TIMESTAMP_DESC');
    expect(first.items.map(({ kind }) => kind)).toEqual(['BashOutput', 'BashCommand']);
    const second = await search(`limit=2&sort_order=TIMESTAMP_DESC&page_id=${first.next_page_id ?? ''}`);
    expect(second.items[0]).toEqual(all[1]);
    expect((await search('kind__eq=BashOutput')).items).toEqual(all);
    expect((await search('page_id=nobody&limit=1')).items).toMatchObject([{ kind: 'BashCommand' }]);
    expect((await search('timestamp__gte=2099-01-01T00:00:00')).items).toEqual([]);
    expect((await search('timestamp__lt=2099-01-01T00:00:00Z')).items).toHaveLength(6);
    const id = all[0]?.id ?? '';
    expect((await server.request('GET', `/api/bash/bash_events/${id}`)).body).toEqual(all[0]);
    const batch = await rawRequest(server.url, {
      path: '/api/bash/bash_events/',
      headers: {
        'content-type': 'application/json',
        'content-length': String(JSON.stringify([id, 'x']).length),
      },
      body: JSON.stringify([id, 'x']),
    });
    expect(JSON.parse(batch.text)).toEqual([all[0], null]);
    expect((await clear()).body).toEqual({ cleared_count: 6 });
    expect(await search('')).toEqual({ items: [], next_page_id: null });
    expect(await readdir(path.join(server.cwd, 'workspace/bash_events'))).toEqual([]);
  });

  describe('after a shutdown and a start', () => {
    let mode: number;
    let alive: { before: boolean[]; after: boolean[] };
    let code: unknown;
    beforeAll(async () => {
      await clear();
      await execute('echo kept');
      const history = path.join(server.cwd, 'workspace/bash_events');
      const [file = ''] = await readdir(history);
      mode = (await stat(path.join(history, file))).mode;
      const pids = await startSleepers();
      const before = pids.map(isAlive);
      code = await server.end();
      alive = { before, after: pids.map(isAlive) };
      // Damage: a line that is no JSON, and the beginning of another one.
      await appendFile(path.join(history, file), 'no json\n{"hal');
      server = await server.restart();
    });

    /** Starts a command with two processes of its own that end by themselves after all tests. */
    async function startSleepers(): Promise<number[]> {
      const { body } = await server.request('POST', '/api/bash/start_bash_command', {
        command: 'setsid sleep 1000 & echo $!; nohup sleep 1000 >/dev/null 2>&1 & echo $!; sleep 1000',
        stream: true,
      });
      const { id } = body as Output;
      const printed = async () =>
        (await search(`command_id__eq=${id}`)).items
          .map(({ stdout }) => stdout ?? '')
          .join('')
          .trim()
          .split('\n');
      await eventually(async () => (await printed()).length === 2, 'both process ids');
      return (await printed()).map(Number);
    }

    it('all bash commands and their child processes have ended', () => {
      expect([code, alive]).toEqual([0, { before: [true, true], after: [false, false] }]);
    });

    it('keeps the bash history, readable by its owner only, up to a limit', async () => {
      expect(mode & 0o777).toBe(0o600);
      const outputs = async () => (await search('kind__eq=BashOutput')).items.map(({ stdout }) => stdout);
      expect((await outputs())[0]).toBe('kept\n');
      for (const word of ['1', '2', '3', '4', '5', '6']) await execute(`echo ${word}`);
      expect(await outputs()).toEqual(['2\n', '3\n', '4\n', '5\n', '6\n']);
    });
  });
});

describe('a short history of bash commands', () => {
  it('is bounded by age and bytes, also on disk', async () => {
    const env = { OH_BASH_EVENTS_MAX_BYTES: '5000000', OH_BASH_EVENTS_RETENTION_SECONDS: '1' };
    const server = await ServerProcess.start({ env: { ...WITHOUT_SANDBOX, ...env } });
    const command = "head -c 1000000 /dev/zero | tr '\\0' x";
    for (let round = 0; round < 20; round += 1)
      await server.request('POST', '/api/bash/execute_bash_command', { command });
    const history = path.join(server.cwd, 'workspace/bash_events');
    const sizes = await Promise.all(
      (await readdir(history)).map(async (name) => (await stat(path.join(history, name))).size),
    );
    // The limit, and at most one segment file that is not yet removed.
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(5_000_000 + 2 * 8 * 1024 * 1024);
    await eventually(
      async () => (await searchOn(server, '')).items.length === 0,
      'the removal of old events',
    );
    await server.stop();
  });
});

async function searchOn(server: ServerProcess, query: string): Promise<Page> {
  return (await server.request('GET', `/api/bash/bash_events/search?${query}`)).body as Page;
}
