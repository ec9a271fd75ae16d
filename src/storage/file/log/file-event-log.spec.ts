import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { anyCharacter } from '../../../../test/support/any-character.js';
import { logRecord as record } from '../../../../test/support/log-records.js';
import { eventTimestamp } from '../../../events/index.js';
import {
  LeaseLostError,
  SequenceConflictError,
  type EventLog,
  type LeaseFence,
  type LogRecord,
} from '../../index.js';
import { conversationFolder } from '../conversation-folder.js';
import { FileEventLogStore } from './file-event-log-store.js';
import { FileLeaseStore } from '../lease/file-lease-store.js';

const IDS = { conversationsPath: '', leaseTtlSeconds: 0 };

describe('FileEventLog', () => {
  let root: string;
  let leases: FileLeaseStore;
  let logs: FileEventLogStore;
  let id: string;
  let file: string;
  let fence: LeaseFence;
  let log: EventLog;
  let warnings: jest.SpiedFunction<(message: string) => void>;
  let errors: jest.SpiedFunction<(message: string) => void>;

  beforeEach(async () => {
    warnings = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    root = await mkdtemp(path.join(os.tmpdir(), 'event-log-'));
    const options = { ...IDS, conversationsPath: root };
    leases = new FileLeaseStore(options);
    logs = new FileEventLogStore(options);
    id = randomUUID();
    file = path.join(conversationFolder(root, id), 'events.jsonl');
    fence = await leases.acquire(id);
    log = await logs.open(id);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await log.close();
    await leases.onApplicationShutdown();
    await rm(root, { recursive: true, force: true });
  });

  const reopen = async (): Promise<EventLog> => {
    await log.close();
    log = await logs.open(id);
    return log;
  };

  it('is empty before the first append and keeps appended events over a reopen', async () => {
    expect(log.length).toBe(0);
    expect(await log.read(0, 10)).toEqual([]);
    expect(await log.seqOf(randomUUID())).toBeUndefined();
    const records = [record(), record(), record()];
    await log.append(0, fence, records);
    for (const reader of [() => Promise.resolve(log), reopen]) {
      const current = await reader();
      expect(current.length).toBe(3);
      expect(await current.read(0, 10)).toEqual(records.map(({ line }) => line));
      expect(await current.read(1, 1)).toEqual([records[1]?.line]);
      expect(await current.read(3, 5)).toEqual([]);
      expect(await current.readMany([2, 0, 2])).toEqual([
        records[2]?.line,
        records[0]?.line,
        records[2]?.line,
      ]);
      expect(await fields(current, 1)).toEqual(searchable(records[1]));
      expect(await current.seqOf(records[2]?.id ?? '')).toBe(2);
      expect(await current.seqOf(randomUUID())).toBeUndefined();
      await expect(current.entry(3)).rejects.toThrow(RangeError);
    }
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('behaves like a list under random appends, reads and reopens with any text', async () => {
    const text = fc.string({ unit: anyCharacter, maxLength: 40 });
    const command = fc.oneof(
      fc.record({ do: fc.constant('append' as const), texts: fc.array(text, { maxLength: 5 }) }),
      fc.record({ do: fc.constant('read' as const), from: fc.nat(30), limit: fc.nat(30) }),
      fc.record({ do: fc.constant('pick' as const), seqs: fc.array(fc.nat(1000), { maxLength: 5 }) }),
      fc.record({ do: fc.constant('reopen' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
        const model: LogRecord[] = [];
        id = randomUUID();
        fence = await leases.acquire(id);
        await reopen();
        for (const step of commands) {
          if (step.do === 'append') {
            const records = step.texts.map((content) => record(content));
            await log.append(model.length, fence, records);
            model.push(...records);
          } else if (step.do === 'read') {
            const expected = model.slice(step.from, step.from + step.limit);
            expect(await log.read(step.from, step.limit)).toEqual(expected.map(({ line }) => line));
            const items = await log.readItems(expected.map((_, index) => step.from + index));
            expect(items.toString()).toBe(expected.map(({ line }) => line).join(','));
          } else if (step.do === 'pick') {
            const seqs = model.length === 0 ? [] : step.seqs.map((seq) => seq % model.length);
            const lines = seqs.map((seq) => model[seq]?.line);
            expect(await log.readMany(seqs)).toEqual(lines);
            expect((await log.readItems(seqs)).toString()).toBe(lines.join(','));
          } else {
            await reopen();
          }
          expect(log.length).toBe(model.length);
        }
        for (const [seq, expected] of model.entries()) {
          expect(await fields(log, seq)).toEqual(searchable(expected));
          expect(await log.seqOf(expected.id)).toBe(seq);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('shares flushes among pending appends', async () => {
    const flush = jest.spyOn(fs, 'write');
    const count = 500;
    await Promise.all(Array.from({ length: count }, (_, seq) => log.append(seq, fence, [record()])));
    expect(log.length).toBe(count);
    expect(flush.mock.calls.length).toBeLessThan(10);
  });

  it('serves an event only when it is durable', async () => {
    const appended = log.append(0, fence, [record()]);
    expect(log.length).toBe(0);
    expect(await log.read(0, 1)).toEqual([]);
    await appended;
    expect(log.length).toBe(1);
  });

  it('rejects appends out of order, of several lines, and after close', async () => {
    await expect(log.append(1, fence, [record()])).rejects.toThrow(SequenceConflictError);
    await expect(log.append(0, fence, [{ ...record(), line: '{\n}' }])).rejects.toThrow(TypeError);
    await log.append(0, fence, [record()]);
    const last = log.append(1, fence, [record()]);
    await Promise.all([log.close(), log.close(), last]);
    await expect(log.append(2, fence, [record()])).rejects.toThrow('closed');
    await expect(log.read(0, 1)).rejects.toThrow('closed');
    expect((await reopen()).length).toBe(2);
  });

  it('rejects appends under a released lease', async () => {
    await log.append(0, fence, [record()]);
    await leases.release(fence);
    await expect(log.append(1, fence, [record()])).rejects.toThrow(LeaseLostError);
    const next = await leases.acquire(id);
    await log.append(1, next, [record()]);
    expect((await reopen()).length).toBe(2);
  });

  it('reads what another owner has written since it was opened', async () => {
    await log.append(0, fence, [record()]);
    const other = await logs.open(id);
    const theirs = record();
    await other.append(1, { ...fence, isValid: () => true, confirm: () => Promise.resolve(true) }, [theirs]);
    await other.close();
    await leases.release(fence);
    const next = await leases.acquire(id);
    await expect(log.append(1, next, [record()])).rejects.toThrow(SequenceConflictError);
    expect(await log.read(1, 5)).toEqual([theirs.line]);
    await log.append(2, next, [record()]);
    expect((await reopen()).length).toBe(3);
  });

  describe('with a torn end', () => {
    it('keeps every complete line, wherever the end was cut', async () => {
      const records = [record('ä€😀\u2028'), record(), record('x'.repeat(50))];
      const whole = Buffer.from(records.map(({ line }) => `${line}\n`).join(''));
      await log.append(0, fence, records);
      for (let length = whole.length; length >= 0; length -= 1) {
        await log.close();
        await writeFile(file, whole.subarray(0, length));
        log = await logs.open(id);
        const complete = whole.subarray(0, length).toString('latin1').split('\n').length - 1;
        expect(await log.read(0, 10)).toEqual(records.slice(0, complete).map(({ line }) => line));
        if (length % 20 !== 0) continue;
        const next = record();
        await log.append(complete, fence, [next]);
        expect(await readFile(file, 'utf8')).toBe(
          [...records.slice(0, complete), next].map(({ line }) => `${line}\n`).join(''),
        );
      }
    });

    it.each([
      ['half a line with a newline', '{"id":"1","timest\n'],
      ['zeros', '\0'.repeat(5000)],
      ['zeros with newlines', `${'\0'.repeat(100)}\n${'\0'.repeat(100)}\n`],
      ['a line cut in its middle', `${record().line.replace('"content"', '')}\n`],
      ['a number', '7\n'],
    ])('skips %s at the end, and truncates it with the next append', async (_name, tail) => {
      const first = record();
      await log.append(0, fence, [first]);
      await appendFile(file, tail);
      expect(await (await reopen()).read(0, 10)).toEqual([first.line]);
      expect(warnings.mock.calls).toEqual([
        [`conversation ${id}: cut ${tail.length} bytes of an unfinished event off the log`],
      ]);
      const second = record();
      await log.append(1, fence, [second]);
      expect(await readFile(file, 'utf8')).toBe(`${first.line}\n${second.line}\n`);
    });

    it('is empty when the file has no complete line', async () => {
      await writeFile(file, '{"id"');
      expect((await reopen()).length).toBe(0);
      await log.append(0, fence, [record()]);
      expect((await reopen()).length).toBe(1);
    });
  });

  it('serves a placeholder for a damaged line and keeps the seq of later ones', async () => {
    const records = [record(), record(), record(), record()];
    await log.append(0, fence, records);
    const lines = (await readFile(file)).toString().split('\n');
    lines[1] = '\0'.repeat(lines[1]?.length ?? 0);
    lines[2] = 'no event';
    await log.close();
    await writeFile(file, lines.join('\n'));
    await reopen();
    expect(log.length).toBe(4);
    expect(await log.read(3, 1)).toEqual([records[3]?.line]);
    expect(await log.seqOf(records[3]?.id ?? '')).toBe(3);
    expect(errors.mock.calls).toEqual([[`conversation ${id}: 2 damaged events in the log (1, 2)`]]);
    const served = await log.read(0, 4);
    expect(served[0]).toBe(records[0]?.line);
    expect((await log.readItems([3, 1, 2, 0])).toString()).toBe(
      [served[3], served[1], served[2], served[0]].join(','),
    );
    for (const seq of [1, 2]) {
      const event: unknown = JSON.parse(served[seq] ?? '');
      expect(event).toMatchObject({
        id: (await log.entry(seq)).id,
        code: 'DamagedEvent',
        kind: 'ConversationErrorEvent',
      });
      expect(await log.seqOf((await log.entry(seq)).id)).toBe(seq);
      expect((await log.entry(seq)).timestamp).toBe(records[0]?.timestamp);
    }
    const before = (await log.entry(1)).id;
    expect((await (await reopen()).entry(1)).id).toBe(before);
  });

  it('answers valid UTF-8 when the middle of a line is damaged', async () => {
    await log.append(0, fence, [record('one'), record('@@'), record()]);
    const bytes = await readFile(file);
    bytes.fill(0xff, bytes.indexOf('@@'), bytes.indexOf('@@') + 2);
    await log.close();
    await writeFile(file, bytes);
    await reopen();
    const lines = bytes.toString('utf8').trimEnd().split('\n');
    expect(lines[1]).toContain('\ufffd\ufffd');
    for (const seqs of [[0, 1, 2], [2, 1], [1]]) {
      const items = await log.readItems(seqs);
      expect(items).toEqual(Buffer.from(seqs.map((seq) => lines[seq]).join(',')));
    }
  });

  it('reads lines of other programs, with any order of keys and any length', async () => {
    const odd = [
      JSON.stringify({
        kind: 'PauseEvent',
        source: 'user',
        id: 'not-a-uuid',
        timestamp: '2026-01-01T00:00:00',
      }),
      JSON.stringify({
        id: randomUUID(),
        timestamp: eventTimestamp(),
        source: 'ä',
        n: { kind: 'Inner' },
        kind: '"}',
      }),
      JSON.stringify({
        id: '00000000-0000-0000-0000-000000000000',
        timestamp: '0099-01-01T00:00:00.000000',
        x: 1,
      }),
      record('y'.repeat(700_000)).line,
      record().line,
    ];
    await writeFile(file, odd.map((line) => `${line}\n`).join(''));
    await reopen();
    expect(await log.read(0, 10)).toEqual(odd);
    for (const [seq, line] of odd.entries()) {
      const event = JSON.parse(line) as Record<string, string | undefined>;
      const expected = { id: event['id'], kind: '', source: '', timestamp: event['timestamp'] };
      expect(await fields(log, seq)).toEqual({ ...expected, ...searchable(event) });
      expect(await log.seqOf(event['id'] ?? '')).toBe(seq);
    }
  });

  it('rejects reads when the file was truncated by another process', async () => {
    await log.append(0, fence, [record()]);
    await truncate(file, 0);
    await expect(log.read(0, 1)).rejects.toThrow('shorter');
    expect((await reopen()).length).toBe(0);
  });

  it('rejects ids that are not UUIDs', async () => {
    await expect(logs.open('../../etc')).rejects.toThrow(RangeError);
  });
});

function searchable(event: object | undefined): object {
  const { id, kind, source, timestamp } = { ...event } as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries({ id, kind, source, timestamp }).filter(([, value]) => value !== undefined),
  );
}

async function fields(log: EventLog, seq: number): Promise<object> {
  const { id, kind, source, timestamp } = await log.entry(seq);
  return { id, kind, source, timestamp };
}
