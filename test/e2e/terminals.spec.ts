import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isAlive } from '../support/is-alive.js';
import { makeKey, shown } from '../support/named-keys.js';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { asJson } from '../support/settings-fixture.js';
import { openTerminal, type ShownTerminal, TerminalClient } from '../support/terminal-client.js';

const SESSION = 'session-key';
const MEBIBYTE = 1024 * 1024;

describe('terminals of people', () => {
  let server: ServerProcess;
  let home: string;
  beforeAll(async () => {
    // The files of the user that bash reads may do anything.
    home = await mkdtemp(path.join(os.tmpdir(), 'home-'));
    const terminals = { max: 12, max_per_key: 2, idle_seconds: 5, scrollback_bytes: 256 * 1024 };
    server = await ServerProcess.start({
      key: SESSION,
      env: { HOME: home, SESSION_API_KEY: SESSION, OH_TERMINALS: JSON.stringify(terminals) },
    });
  });
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });

  const connect = (terminal: ShownTerminal, key = SESSION, after?: number): Promise<TerminalClient> =>
    new TerminalClient(server, terminal, {
      headers: shown(key),
      ...(after !== undefined && { after }),
    }).ready();
  const close = (terminal: ShownTerminal) => server.request('DELETE', `/api/terminals/${terminal.id}`);
  const get = async (terminal: ShownTerminal): Promise<ShownTerminal> =>
    (await server.request('GET', `/api/terminals/${terminal.id}`)).body as ShownTerminal;
  const newConversation = async (headers = {}): Promise<string> => {
    const agent = { kind: 'Agent', llm: { model: 'scripted/demo', usage_id: 'a' }, tools: [] };
    const workspace = { working_dir: 'workspace/project' };
    const { body } = await server.request('POST', '/api/conversations', { agent, workspace }, headers);
    return String(asJson(body)['id']);
  };

  it('run a shell that several viewers see and type into', async () => {
    const terminal = await openTerminal(server, undefined, { rows: 30, cols: 100 });
    const [one, other] = [await connect(terminal), await connect(terminal)];
    await one.hears('viewers');
    one.type('stty size; echo "[$TERM] [$PAGER]"\r');
    await Promise.all([one, other].map((client) => client.shows('[xterm-256color] []')));
    expect(one.text).toContain('30 100');
    other.say({ type: 'resize', rows: 41, cols: 132 });
    await one.hears('size', { rows: 41, cols: 132 });
    other.type('stty size; exit 3\r');
    for (const client of [one, other]) {
      await client.hears('exit', { exit_code: 3, reason: 'exit' });
      expect(await client.closed()).toBe(1000);
      expect(client.text).toContain('41 132');
    }
    // It can be looked at for some time.
    const late = await connect(terminal);
    await late.hears('exit', { exit_code: 3 });
    expect(late.text).toBe(one.text);
  });

  it('go on where a broken connection has stopped, at any byte', async () => {
    const terminal = await openTerminal(server);
    let client = await connect(terminal);
    client.type('PS1=; stty -echo; echo be""gin\r');
    await client.shows('begin\r\n');
    const parts: Buffer[] = [];
    const rounds: string[] = [];
    for (let round = 1; round <= 8; round += 1) {
      const before = client.bytes.length;
      client.type(`seq ${round} 7000; echo e""nd ${round}\r`);
      // Not the new prompt, which may come after what was typed is sent, but not received.
      await eventually(() => client.bytes.subarray(before).includes('\r\n'), 'output');
      parts.push(client.bytes);
      client.socket.terminate();
      client = await connect(terminal, SESSION, client.offset);
      expect(client.notices.filter(({ type }) => type === 'missed')).toEqual([]);
      const seen = () => Buffer.concat([...parts, client.bytes]).toString();
      await eventually(() => seen().includes(`end ${round}\r\n`), 'the end of the round');
      const numbers = Array.from({ length: 7001 - round }, (_, index) => `${index + round}\r\n`);
      rounds.push(`${numbers.join('')}end ${round}\r\n`);
    }
    const all = Buffer.concat([...parts, client.bytes]).toString();
    for (const round of rounds) expect(all).toContain(round);
    await close(terminal);
  });

  it('neither lose output to a slow viewer nor wait for it for ever', async () => {
    const terminal = await openTerminal(server);
    const [slow, fast] = [await connect(terminal), await connect(terminal)];
    const memory = await residentBytes(server.pid);
    slow.socket.pause();
    fast.type(`head -c ${12 * MEBIBYTE} /dev/zero | tr '\\0' x | fold; echo fi""nished\r`);
    await fast.hears('flow', { paused: true });
    await eventually(() => fast.bytes.subarray(-2000).includes('finished\r\n'), 'the end of the flood');
    expect((await residentBytes(server.pid)) - memory).toBeLessThan(60 * MEBIBYTE);
    expect(fast.notices.filter(({ type }) => type === 'missed')).toEqual([]);
    slow.socket.resume();
    await slow.hears('missed');
    await eventually(() => slow.offset === fast.offset, 'the slow viewer');
    expect(slow.bytes.subarray(-1000).equals(fast.bytes.subarray(-1000))).toBe(true);
    await close(terminal);
  }, 120_000);

  it('send no more to a viewer than it can show, if it tells what it has shown', async () => {
    const terminal = await openTerminal(server);
    const client = await connect(terminal);
    client.say({ type: 'ack', offset: 0 });
    client.type(`head -c ${6 * MEBIBYTE} /dev/zero | tr '\\0' x | fold; echo fi""nished\r`);
    await client.hears('flow', { paused: true });
    expect(client.offset).toBeGreaterThan(4 * MEBIBYTE - 1);
    expect(client.offset).toBeLessThan(4.2 * MEBIBYTE);
    await eventually(() => {
      client.say({ type: 'ack', offset: client.offset });
      return client.bytes.subarray(-100).includes('finished\r\n');
    }, 'the rest');
    expect(client.notices.filter(({ type }) => type === 'missed')).toEqual([]);
    await close(terminal);
  });

  it('take a paste of a megabyte, also while nobody reads it', async () => {
    const terminal = await openTerminal(server, undefined, { cwd: server.cwd });
    const client = await connect(terminal);
    client.type('stty -echo; echo rea""dy; sleep 1; cat > pasted.txt; echo sto""red\r');
    await client.shows('ready\r\n');
    const paste = `${'p'.repeat(99)}\n`.repeat(10_486);
    client.type(paste);
    client.type('\x04');
    await client.shows('stored');
    expect((await readFile(path.join(server.cwd, 'pasted.txt'), 'utf8')) === paste).toBe(true);
    await close(terminal);
  });

  it('obey keys: who reads may look, limits and revocation hold, others see nothing', async () => {
    const [writer, reader, other] = await Promise.all([
      makeKey(server, { scope: 'write', reach: 'own' }),
      makeKey(server, { scope: 'read' }),
      makeKey(server, { scope: 'write', reach: 'own' }),
    ]);
    const id = await newConversation(shown(writer.key));
    const terminal = await openTerminal(server, id, {}, shown(writer.key));
    const route = `/api/conversations/${id}/terminals`;
    const look = await connect(terminal, reader.key);
    expect(look.notices[0]).toMatchObject({ type: 'ready', can_type: false });
    look.type('echo no\r');
    await look.hears('error', { code: 'PermissionError' });
    const client = await connect(terminal, writer.key);
    client.type('echo y""es\r');
    await look.shows('yes');

    const { status } = await server.request('GET', `${route}/${terminal.id}`, undefined, shown(other.key));
    expect(status).toBe(404);
    const foreign = new TerminalClient(server, terminal, { headers: shown(other.key) });
    expect(await foreign.closed()).toBe(4004);
    const machine = new TerminalClient(
      server,
      { socket: `/sockets/terminals/${terminal.id}` },
      {
        headers: shown(writer.key),
      },
    );
    expect(await machine.closed()).toBe(1006);
    expect((await server.request('POST', '/api/terminals', {}, shown(writer.key))).status).toBe(403);

    await openTerminal(server, id, {}, shown(writer.key));
    expect((await server.request('POST', route, {}, shown(writer.key))).status).toBe(429);
    await server.request('DELETE', `/api/keys/${writer.id}`);
    await look.hears('exit', { reason: 'key_ended' });
    await eventually(async () => {
      const { body } = await server.request('GET', `/api/audit?limit=100`);
      const names = (asJson(body)['items'] as { operation: string }[]).map(({ operation }) => operation);
      return ['Terminals_open', 'Socket_typing'].every((name) => names.includes(name));
    }, 'the audit log');
  });

  it('end with their conversation, and when nobody uses them', async () => {
    const id = await newConversation();
    const terminal = await openTerminal(server, id);
    const client = await connect(terminal);
    client.type('pwd\r');
    await client.shows('workspace/project');
    await server.request('DELETE', `/api/conversations/${id}`);
    await client.hears('exit', { reason: 'conversation_deleted' });
    expect((await server.request('GET', `/api/terminals/${terminal.id}`)).status).toBe(404);

    const [idle, used] = [await openTerminal(server), await openTerminal(server)];
    const watching = await connect(used);
    await eventually(async () => (await get(idle)).end_reason === 'idle', 'the end of the idle terminal');
    expect((await get(used)).status).toBe('running');
    watching.socket.terminate();
    await close(used);
  });

  it('refuse what is wrong with a clear error', async () => {
    const refuses = async (body: object, status: number, text: string) => {
      const answer = await server.request('POST', '/api/terminals', body);
      expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(text)]);
    };
    await refuses({ rows: 0 }, 422, 'rows');
    await refuses({ cols: 100_000 }, 422, 'cols');
    await refuses({ shell: '-c' }, 422, 'dash');
    await refuses({ shell: 'no-such-shell' }, 400, 'no-such-shell');
    await refuses({ cwd: '/no/such/folder' }, 400, '/no/such/folder');
    const id = await newConversation();
    const outside = await server.request('POST', `/api/conversations/${id}/terminals`, { cwd: '/etc' });
    expect(outside.status).toBe(422);
    const unknown = new TerminalClient(
      server,
      {
        socket: '/sockets/terminals/3f2c8f0e-5a4b-4c1d-9e6f-7a8b9c0d1e2f',
      },
      { headers: shown(SESSION) },
    );
    expect(await unknown.closed()).toBe(4004);

    const terminal = await openTerminal(server);
    const client = await connect(terminal);
    for (const frame of [{ type: 'resize', rows: -1, cols: 1 }, { type: 'other' }]) client.say(frame);
    client.socket.send('{');
    await eventually(() => client.notices.filter(({ type }) => type === 'error').length === 3, 'errors');
    const past = await connect(terminal, SESSION, 10 ** 12);
    expect(past.offset).toBeLessThan(10 ** 6);
    await close(terminal);
  });

  describeWithBubblewrap('in a sandbox', () => {
    it('cannot be reached by programs that are started later', async () => {
      const [closed, terminal] = [await openTerminal(server), await openTerminal(server)];
      await close(closed);
      const command = 'for f in /proc/self/fd/*; do [ $f -ef /dev/ptmx ] && echo "open: $f"; done; echo done';
      const { body } = await server.request('POST', '/api/bash/execute_bash_command', { command });
      expect(asJson(body)['stdout']).toBe('done\n');
      const other = await openTerminal(server);
      const client = await connect(other);
      client.type(`${command.replace('done', 'do""ne')}\r`);
      await client.shows('done\r\n');
      expect(client.text).not.toContain('open: /');
      await Promise.all([close(terminal), close(other)]);
    });
  });

  it('leave no shell behind when the server is killed', async () => {
    const terminal = await openTerminal(server);
    const client = await connect(terminal);
    client.type('sleep 1000 & exec 2>/dev/null; echo started\r');
    await client.shows('started\r\n');
    const pids = await childrenOf(server.pid);
    expect(pids.length).toBeGreaterThan(0);
    server = await server.restart('SIGKILL');
    await eventually(() => pids.every((pid) => !isAlive(pid)), 'the end of the processes');
    const gone = new TerminalClient(server, terminal, { headers: shown(SESSION) });
    expect(await gone.closed()).toBe(4004);
  });
});

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

/** All processes below a process. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = text.split(' ').filter(Boolean).map(Number);
  return [...children, ...(await Promise.all(children.map(childrenOf))).flat()];
}
