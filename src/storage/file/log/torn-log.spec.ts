import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { anyCharacter } from '../../../../test/support/any-character.js';
import { heldLease, logRecord as record } from '../../../../test/support/log-records.js';
import type { EventLog, LogRecord } from '../../index.js';
import { conversationFolder } from '../conversation-folder.js';
import { FileEventLogStore } from './file-event-log-store.js';

const RUNS = Number(process.env['FAULT_ROUNDS'] ?? 4);
const FENCE = heldLease();

/** What a crash may leave after the place where a write was torn. */
const tails = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.integer({ min: 1, max: 5000 }).map((length) => Buffer.alloc(length)),
  fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom('\n', '\n\n', '\r\n', '{}\n', '7\n', '[]\n', 'null', '"\n', '\0\n\0', '{"id":"')
    .map((text) => Buffer.from(text)),
  // Blocks of another write, without their beginning and end.
  fc.nat(80).map((from) => Buffer.from(record('other').line).subarray(from + 1)),
);

describe('FileEventLog with a torn end', () => {
  let root: string;
  let id: string;
  let file: string;
  let warnings: jest.SpiedFunction<(message: string) => void>;

  beforeEach(async () => {
    warnings = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    root = await mkdtemp(path.join(os.tmpdir(), 'torn-log-'));
    id = randomUUID();
    await mkdir(conversationFolder(root, id));
    file = path.join(conversationFolder(root, id), 'events.jsonl');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await rm(root, { recursive: true, force: true });
  });

  const open = (): Promise<EventLog> =>
    new FileEventLogStore({ conversationsPath: root, leaseTtlSeconds: 0 }).open(id);

  it(
    'serves every complete line, logs the rest, and appends after the lines, wherever the end was torn',
    async () => {
      const texts = fc.array(fc.string({ unit: anyCharacter, maxLength: 12 }), {
        minLength: 1,
        maxLength: 3,
      });
      await fc.assert(
        fc.asyncProperty(texts, tails, async (contents, tail) => {
          const records = contents.map((content) => record(content));
          const whole = Buffer.from(records.map(({ line }) => `${line}\n`).join(''));
          for (let cut = 0; cut <= whole.length; cut += 1) {
            const bytes = Buffer.concat([whole.subarray(0, cut), tail]);
            await writeFile(file, bytes);
            await serves(wholeLines(bytes, records), bytes.length);
          }
        }),
        { numRuns: RUNS },
      );
    },
    60_000 + RUNS * 10_000,
  );

  /** @param lines the complete lines @param size of the file (bytes) */
  async function serves(lines: readonly string[], size: number): Promise<void> {
    warnings.mockClear();
    const log = await open();
    expect(await log.read(0, 100)).toEqual(lines);
    const torn = size - lengthOf(lines);
    expect(warnings.mock.calls.flat()).toEqual(
      torn === 0 ? [] : [`conversation ${id}: cut ${torn} bytes of an unfinished event off the log`],
    );
    const next = record('next');
    await log.append(lines.length, FENCE, [next]);
    await log.close();
    expect(await readFile(file, 'utf8')).toBe([...lines, next.line].map((line) => `${line}\n`).join(''));
    const again = await open();
    expect(again.length).toBe(lines.length + 1);
    expect(await again.seqOf(next.id)).toBe(lines.length);
    await again.close();
  }

  it('serves a placeholder for a repeated event and finds the first one by its id', async () => {
    const [one, two, three] = [record('1'), record('2'), record('3')];
    await writeFile(file, [one, two, two, three, one].map(({ line }) => `${line}\n`).join(''));
    const log = await open();
    const lines = await log.read(0, 10);
    expect([0, 1, 3].map((seq) => lines[seq])).toEqual([one.line, two.line, three.line]);
    expect(await log.seqsOf([one, two, three].map((event) => event.id))).toEqual([0, 1, 3]);
    for (const [seq, first] of [
      [2, 1],
      [4, 0],
    ] as const) {
      const event: unknown = JSON.parse(lines[seq] ?? '');
      expect(event).toMatchObject({ code: 'DamagedEvent', id: (await log.entry(seq)).id });
      expect(event).toMatchObject({ detail: expect.stringContaining(`repeat event ${first}`) as unknown });
      expect(await log.seqOf((await log.entry(seq)).id)).toBe(seq);
    }
    const next = record('next');
    await log.append(5, FENCE, [next]);
    expect(await log.read(5, 1)).toEqual([next.line]);
    await log.close();
  });

  it('does not read a line into memory that is longer than the maximum', async () => {
    const [one, two] = [record('1'), record('2')];
    const chunk = Buffer.alloc(50 * 1024 * 1024, 'x');
    await writeFile(file, Buffer.concat([Buffer.from(`${one.line}\n`), chunk, chunk, chunk, chunk]));
    const torn = await open();
    expect(await torn.read(0, 10)).toEqual([one.line]);
    await torn.close();

    await writeFile(file, `\n${two.line}\n`, { flag: 'a' });
    const before = process.memoryUsage().arrayBuffers;
    const log = await open();
    expect(log.length).toBe(3);
    const lines = await log.read(0, 10);
    expect([lines[0], lines[2]]).toEqual([one.line, two.line]);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ code: 'DamagedEvent' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 1024 * 1024);
    const next = record('next');
    await log.append(3, FENCE, [next]);
    await log.close();
    expect((await stat(file)).size).toBeGreaterThan(200 * 1024 * 1024);
    await expect(
      (await open()).append(4, FENCE, [{ ...next, id: randomUUID(), line: 'x'.repeat(65 * 1024 * 1024) }]),
    ).rejects.toThrow('64 MiB');
  });

  it.each([
    ['lines that end with CRLF', (lines: string[]) => lines.map((line) => `${line}\r\n`)],
    ['lines with another order of keys', (lines: string[]) => lines.map((line) => `${reversed(line)}\n`)],
    [
      'events of unknown kinds',
      (lines: string[]) => lines.map((line) => `${line.replace(/\w+"\}$/, 'X"}')}\n`),
    ],
  ])('reads %s', async (_name, changed) => {
    const records = [record('1'), record('2')];
    const lines = changed(records.map(({ line }) => line));
    await writeFile(file, lines.join(''));
    const log = await open();
    expect((await log.read(0, 10)).map((line) => `${line}\n`)).toEqual(lines);
    expect(await log.seqsOf(records.map((event) => event.id))).toEqual([0, 1]);
    await log.append(2, FENCE, [record('next')]);
    await log.close();
  });

  it('serves placeholders for lines between events that are not events', async () => {
    const [one, two] = [record('1'), record('2')];
    await writeFile(file, `${one.line}\n\n{"kind":"PauseEvent"}\n[1]\n${two.line}\n`);
    const log = await open();
    const kinds = (await log.read(0, 10)).map((line) => (JSON.parse(line) as { code?: string }).code);
    expect(kinds).toEqual([undefined, 'DamagedEvent', 'DamagedEvent', 'DamagedEvent', undefined]);
    expect(new Set((await log.entries(0, 5)).map(({ id }) => id)).size).toBe(5);
    await log.close();
  });
});

/** The lines up to the last one that equals the event at its place. */
function wholeLines(bytes: Buffer, records: readonly LogRecord[]): string[] {
  const lines = bytes.toString('latin1').split('\n').slice(0, -1);
  const known = records.map(({ line }) => Buffer.from(line).toString('latin1'));
  const count = lines.findIndex((line, seq) => line.trimEnd() !== known[seq]);
  return lines
    .slice(0, count === -1 ? lines.length : count)
    .map((line) => Buffer.from(line, 'latin1').toString('utf8'));
}

function lengthOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
}

function reversed(line: string): string {
  const entries = Object.entries(JSON.parse(line) as Record<string, unknown>);
  return JSON.stringify(Object.fromEntries(entries.reverse()));
}
