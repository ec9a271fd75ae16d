import { randomBytes, randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { describeWithDatabase, TestDatabase } from '../../../../test/support/postgres.js';
import { PostgresStorages } from '../../../../test/support/postgres-storages.js';
import { eventually } from '../../../../test/support/server-process.js';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import { utcTimestamp } from '../../../events/index.js';
import type { BashHistory, BashHistoryLimits, BashRecord } from '../../bash-history.js';
import { BashCommandEndedError } from '../../bash-history.js';
import { StorageFailedError } from '../../storage-errors.js';
import type { PostgresBashHistories } from './postgres-bash-histories.js';

const LIMITS: BashHistoryLimits = { events: 10_000, bytes: 1e9, seconds: null };
/** The lease of the servers in seconds. */
const LEASE = 1;
const ALL = { descending: false, limit: 100 };

const newId = (): string => randomBytes(16).toString('hex');

function command(text = 'true', id = newId()): BashRecord {
  const timestamp = utcTimestamp();
  const line = JSON.stringify({ command: text, id, timestamp, kind: 'BashCommand' });
  return { id, kind: 'BashCommand', commandId: id, order: 0, timestamp, isLast: false, line };
}

function output(commandId: string, order: number, isLast = false, text = 'x'): BashRecord {
  const [id, timestamp] = [newId(), utcTimestamp()];
  const event = { id, timestamp, command_id: commandId, order, exit_code: isLast ? 0 : null, stdout: text };
  const line = JSON.stringify({ ...event, kind: 'BashOutput' });
  return { id, kind: 'BashOutput', commandId, order, timestamp, isLast, line };
}

describeWithDatabase('PostgresBashHistories', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();
  const proxies: TcpProxy[] = [];

  beforeEach(() => {
    for (const level of ['log', 'warn', 'error'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
  });
  afterEach(async () => {
    await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
    jest.restoreAllMocks();
  });

  /** The histories of one more server. */
  const start = async (
    limits: Partial<BashHistoryLimits> = {},
    url = database.url,
  ): Promise<PostgresBashHistories> =>
    (await storages.open(url, LEASE, 2000)).bashHistories({ ...LIMITS, ...limits });
  const startBehindProxy = async (): Promise<{ server: PostgresBashHistories; proxy: TcpProxy }> => {
    const proxy = await TcpProxy.start(database.url);
    proxies.push(proxy);
    return { proxy, server: await start({}, proxy.url) };
  };
  /** A conversation, so that its history is not removed as that of a deleted one. */
  const newScope = async (): Promise<string> => {
    const id = randomUUID();
    await database.query('INSERT INTO conversation (id) VALUES ($1)', [id]);
    await database.query(
      `INSERT INTO metadata (conversation, created_at, updated_at, execution_status, generation, version, content)
       VALUES ($1, '', '', 'idle', 1, 1, '{}')`,
      [id],
    );
    return id;
  };
  const linesOf = async (history: BashHistory): Promise<string[]> => (await history.search(ALL)).lines;

  it('shows the events of a server to another one, in order and without gaps', async () => {
    const [a, b] = [await start(), await start()];
    const scope = await newScope();
    const [here, there] = [await a.open(scope), await b.open(scope)];
    const both = [here, there];
    const commands = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const record = command(`echo ${index}`);
        await both[index % 2]?.append(record);
        return record;
      }),
    );
    const numbers = await Promise.all(
      commands.flatMap((record, index) =>
        [0, 1, 2].map(async (order) => both[index % 2]?.append(output(record.id, order, order === 2))),
      ),
    );
    expect(numbers.toSorted((one, other) => Number(one) - Number(other))).toEqual(
      Array.from({ length: 120 }, (_, index) => 40 + index),
    );
    expect(await there.range()).toEqual({ first: 0, next: 160 });
    expect(await here.linesFrom(0, 1e9)).toEqual(await there.linesFrom(0, 1e9));
    expect(await there.line(commands[0]?.id ?? '')).toBe(commands[0]?.line);
    const exported: string[] = [];
    for await (const line of b.lines(scope)) exported.push(line);
    expect(exported).toHaveLength(160);
    expect(exported.slice(0, 100)).toEqual(await linesOf(here));
  });

  it('delivers the events of all servers to a follower, each once and in order', async () => {
    const [a, b] = [await start(), await start()];
    const scope = await newScope();
    const [here, there] = [await a.open(scope), await b.open(scope)];
    await here.append(command());
    const seen: { number: number; line: string }[] = [];
    const stop = there.follow((line, number) => seen.push({ number, line: line.toString() }));
    expect(await there.range()).toEqual({ first: 0, next: 1 });
    const records = Array.from({ length: 60 }, (_, index) => command(`echo ${index}`));
    await Promise.all(records.map((record, index) => (index % 2 === 0 ? here : there).append(record)));
    await eventually(() => seen.length >= 60, 'all events');
    expect(seen.map(({ number }) => number)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect(new Set(seen.map(({ line }) => line))).toEqual(new Set(records.map(({ line }) => line)));
    stop();
    await here.append(command());
    expect(await there.range()).toEqual({ first: 0, next: 62 });
    expect(seen).toHaveLength(60);
  });

  it('pages in both directions with all filters', async () => {
    const server = await start();
    const history = await server.open(await newScope());
    const record = command();
    await history.append(record);
    const outputs = Array.from({ length: 9 }, (_, order) => output(record.id, order, order === 8));
    for (const each of outputs) await history.append(each);
    const lines = [record, ...outputs].map(({ line }) => line);
    for (const descending of [false, true]) {
      const pages: string[] = [];
      let pageId: string | undefined;
      do {
        const page = await history.search({ descending, limit: 3, pageId });
        pages.push(...page.lines);
        pageId = page.nextPageId ?? undefined;
      } while (pageId !== undefined);
      expect(pages).toEqual(descending ? lines.toReversed() : lines);
    }
    const found = async (query: object): Promise<string[]> =>
      (await history.search({ ...ALL, ...query })).lines;
    expect(await found({ kind: 'BashCommand' })).toEqual([record.line]);
    expect(await found({ commandId: record.id })).toEqual(lines.slice(1));
    expect(await found({ orderAfter: 6 })).toEqual([record.line, ...lines.slice(8)]);
    expect(await found({ orderAfter: 1e300 })).toEqual([record.line]);
    expect(await found({ pageId: 'nonsense' })).toEqual(lines);
    expect(await found({ from: Date.now() * 1000 + 1e9 })).toEqual([]);
    expect(await history.line('nonsense')).toBeUndefined();
  });

  it('keeps the newest events within the limits of number, size and age', async () => {
    const few = await (await start({ events: 5 })).open(await newScope());
    const records = Array.from({ length: 12 }, () => command());
    for (const record of records) await few.append(record);
    expect(await linesOf(few)).toEqual(records.slice(-5).map(({ line }) => line));
    expect(await few.range()).toEqual({ first: 7, next: 12 });
    expect(await few.linesFrom(6, 1000)).toEqual([]);

    const small = await (await start({ bytes: 1000 })).open(await newScope());
    for (const { line } of records) await small.append({ ...command(), line: line.padEnd(300) });
    expect(await linesOf(small)).toHaveLength(3);

    const scope = await newScope();
    const young = await (await start({ seconds: 3600 })).open(scope);
    const three = [command(), command(), command()];
    for (const record of three) await young.append(record);
    await database.query(
      'UPDATE bash_event SET micros = micros - 3600000000 WHERE scope = $1 AND number < 2',
      [scope],
    );
    await database.query('UPDATE bash_history SET oldest = oldest - 3600000000 WHERE scope = $1', [scope]);
    expect(await linesOf(young)).toEqual([three[2]?.line]);
    const [row] = await database.query('SELECT first, next, bytes FROM bash_history WHERE scope = $1', [
      scope,
    ]);
    expect(row).toEqual({ first: '2', next: '3', bytes: String(Buffer.byteLength(three[2]?.line ?? '')) });
  });

  it('removes more old events than one statement does, and clears and removes histories', async () => {
    const scope = await newScope();
    const server = await start();
    const history = await server.open(scope);
    await Promise.all(Array.from({ length: 2500 }, () => history.append(command())));
    const tight = await start({ events: 10 });
    await tight.open(scope);
    await (await tight.open(scope)).append(command());
    await (await tight.open(scope)).append(command());
    await (await tight.open(scope)).append(command());
    expect(await history.range()).toEqual({ first: 2493, next: 2503 });
    const running = command();
    await history.append(running);
    expect(await history.clear()).toBe(11);
    expect(await history.clear()).toBe(0);
    expect(await linesOf(history)).toEqual([]);
    // A command goes on, and its output is stored.
    expect(await history.append(output(running.id, 0))).toBe(2504);
    await server.remove(scope);
    await expect(history.append(output(running.id, 1))).rejects.toThrow(BashCommandEndedError);
    expect(await database.query('SELECT FROM bash_history WHERE scope = $1', [scope])).toHaveLength(0);
  });

  it('removes the history of a conversation that is gone', async () => {
    const server = await start();
    const scope = randomUUID();
    await (await server.open(scope)).append(command());
    await server.sweep();
    expect(await database.query('SELECT FROM bash_event WHERE scope = $1', [scope])).toHaveLength(0);
  });

  it('asks the server that runs a command to stop it, also when the hint is lost', async () => {
    const [a, b] = [await start(), await start()];
    const scope = await newScope();
    const [here, there] = [await a.open(scope), await b.open(scope)];
    const record = command();
    await here.append(record);
    here.onStopRequest((id) => void here.append(output(id, 0, true)));
    expect(await there.stopElsewhere(record.id)).toBe(true);
    expect(await linesOf(there)).toHaveLength(2);
    expect(await there.stopElsewhere(record.id)).toBe(true);
    expect(await there.stopElsewhere(newId())).toBe(false);

    const silent = command();
    await here.append(silent);
    await database.query('UPDATE bash_command SET stop_requested = true WHERE id = $1', [silent.id]);
    await eventually(async () => (await linesOf(there)).length === 4, 'the end of the command');
  });

  it('ends the commands of a dead server once, and refuses what it stores later', async () => {
    const { server: dead, proxy } = await startBehindProxy();
    const others = [await start(), await start()];
    const scope = await newScope();
    const record = command();
    const history = await dead.open(scope);
    await history.append(record);
    await history.append(output(record.id, 0));
    const ended: BashRecord[] = [];
    proxy.behave({ drop: true });
    for (const server of others)
      server.recordEndsOfDead((commandId, order) => {
        const end = output(commandId, order, true, 'its server died');
        ended.push(end);
        return end;
      });
    const there = await others[0]?.open(scope);
    await eventually(async () => {
      await Promise.all(others.map((server) => server.sweep()));
      return (await there?.range())?.next === 3;
    }, 'the end of the command');
    proxy.behave({});
    await eventually(() => history.range().then(Boolean, () => false), 'the end of the outage');
    const lines = await linesOf(history);
    expect(ended.map(({ line }) => line)).toContain(lines[2]);
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ order: 1, stdout: 'its server died' });
    await expect(history.append(output(record.id, 1, true))).rejects.toThrow(BashCommandEndedError);
    await Promise.all(others.map((server) => server.sweep()));
    expect(await linesOf(history)).toHaveLength(3);
  });

  it('refuses commands while the database is away, and holds output until it is back', async () => {
    const { server, proxy } = await startBehindProxy();
    const scope = await newScope();
    const history = await server.open(scope);
    const record = command();
    await history.append(record);
    proxy.behave({ drop: true });
    await expect(history.append(command())).rejects.toThrow(StorageFailedError);
    const stored = Promise.all(
      [0, 1, 2].map((order) => history.append(output(record.id, order, order === 2))),
    );
    proxy.behave({});
    expect(await stored).toEqual([1, 2, 3]);
  });

  it('stores each event once when connections break in the middle', async () => {
    const { server, proxy } = await startBehindProxy();
    const scope = await newScope();
    const history = await server.open(scope);
    const record = command();
    await history.append(record);
    for (let order = 0; order < 60; order += 1) {
      const direction = order % 2 === 0 ? 'toClient' : 'toServer';
      proxy.behave({ cut: { direction, bytes: 1 + 13 * order, once: true } });
      await history.append(output(record.id, order, order === 59));
    }
    const orders = (await linesOf(history))
      .slice(1)
      .map((line) => (JSON.parse(line) as { order: number }).order);
    expect(orders).toEqual(Array.from({ length: 60 }, (_, order) => order));
  });
});
