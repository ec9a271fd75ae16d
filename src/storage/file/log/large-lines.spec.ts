import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { heldLease, logRecord as record } from '../../../../test/support/log-records.js';
import { LeaseLostError, type EventLog, type LogRecord } from '../../index.js';
import { conversationFolder } from '../conversation-folder.js';
import { FileEventLogStore } from './file-event-log-store.js';

const MIB = 1024 * 1024;
const SMALL = 'small, ä and 中';
const LARGE = `${SMALL} 😀`.repeat(Math.ceil(MIB / SMALL.length));

describe('FileEventLog with large lines', () => {
  let root: string;
  let logs: FileEventLogStore;
  let file: string;
  let id: string;
  let log: EventLog;

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    root = await mkdtemp(path.join(os.tmpdir(), 'large-lines-'));
    logs = new FileEventLogStore({ conversationsPath: root, leaseTtlSeconds: 0 });
    await openNew();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await log.close();
    await rm(root, { recursive: true, force: true });
  });

  async function openNew(): Promise<void> {
    id = randomUUID();
    const folder = conversationFolder(root, id);
    await mkdir(folder);
    file = path.join(folder, 'events.jsonl');
    log = await logs.open(id);
  }

  const reopen = async (): Promise<EventLog> => {
    await log.close();
    log = await logs.open(id);
    return log;
  };

  const expectStored = async (records: readonly LogRecord[]): Promise<void> => {
    const text = records.map(({ line }) => `${line}\n`).join('');
    expect((await readFile(file, 'utf8')) === text).toBe(true);
    for (const reader of [() => Promise.resolve(log), reopen]) {
      const lines = await (await reader()).read(0, records.length + 1);
      expect(lines.map((line, seq) => line === records[seq]?.line)).toEqual(records.map(() => true));
    }
  };

  it('reads lines up to a number of bytes, but at least one, and always as UTF-8', async () => {
    const records = ['a', 'b', LARGE, 'c'].map((text) => record(text));
    await log.append(0, heldLease(), records);
    const lengths = records.map(({ line }) => Buffer.byteLength(line));
    const read = async (...args: [number, number, number]): Promise<number[]> =>
      (await log.readBytes(...args)).map(({ length }) => length);
    const [a = 0, b = 0] = lengths;
    expect(await read(0, 10, a + b + 2)).toEqual(lengths.slice(0, 2));
    expect(await read(0, 10, a + b + 1)).toEqual(lengths.slice(0, 1));
    expect(await read(1, 10, 1)).toEqual(lengths.slice(1, 2));
    expect(await read(0, 3, 10 * MIB)).toEqual(lengths.slice(0, 3));
    expect(await read(3, 10, 10 * MIB)).toEqual(lengths.slice(3));
    expect(await read(4, 10, 10 * MIB)).toEqual([]);
    const bytes = await log.readBytes(0, 10, 10 * MIB);
    expect(bytes.map((line, seq) => line.toString() === records[seq]?.line)).toEqual(records.map(() => true));
    await log.close();
    // A byte that is invalid in UTF-8.
    const damaged = await readFile(file);
    damaged[damaged.indexOf('"content":"') + '"content":"'.length] = 0xff;
    await writeFile(file, damaged);
    log = await logs.open(id);
    for (const line of await log.readBytes(0, 10, 10 * MIB)) expect(isUtf8(line)).toBe(true);
  });

  it('writes large and small lines in any order, however few bytes a write accepts', async () => {
    const batches = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(
        batches,
        fc.array(fc.integer({ min: 1, max: MIB }), { maxLength: 9 }),
        async (sizes, counts) => {
          await log.close();
          await openNew();
          const written = limitWrites(counts);
          const records: LogRecord[] = [];
          for (const batch of sizes) {
            const next = batch.map((isLarge) => record(isLarge ? LARGE : SMALL));
            await log.append(records.length, heldLease(), next);
            records.push(...next);
          }
          written.mockRestore();
          await expectStored(records);
          for (const { bytes, line } of records)
            expect(bytes?.equals(Buffer.from(line)) ?? line.length < MIB).toBe(true);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('leaves nothing in the file when a write fails', async () => {
    const kept = record(SMALL);
    await log.append(0, heldLease(), [kept]);
    const failing = jest.spyOn(fs, 'writev').mockImplementationOnce((fd, pieces, position, done) => {
      fs.writeSync(fd, pieces[0] as Uint8Array, 0, 1000, position);
      setImmediate(() => done(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }), 0, pieces));
    });
    await expect(log.append(1, heldLease(), [record(LARGE), record(SMALL)])).rejects.toThrow('ENOSPC');
    expect(failing).toHaveBeenCalledTimes(1);
    const next = record(LARGE);
    await log.append(1, heldLease(), [next]);
    await expectStored([kept, next]);
  });

  it('writes nothing when the lease is lost during the encoding', async () => {
    let [isHeld, asked] = [true, 0];
    const fence = heldLease(() => (asked++, isHeld));
    const kept = record(SMALL);
    await log.append(0, fence, [kept]);
    asked = 0;
    const appending = log.append(1, fence, [record(LARGE)]);
    expect(asked).toBe(0);
    isHeld = false;
    await expect(appending).rejects.toThrow(LeaseLostError);
    expect(await readFile(file, 'utf8')).toBe(`${kept.line}\n`);
  });

  it('reads large lines that are invalid UTF-8', async () => {
    const whole = record(LARGE);
    await log.append(0, heldLease(), [whole]);
    await log.close();
    const bytes = Buffer.from(`${whole.line}\n`);
    bytes[bytes.indexOf('small', 1000)] = 0xff;
    await writeFile(file, bytes);
    log = await logs.open(id);
    expect((await log.read(0, 1))[0] === bytes.toString().trimEnd()).toBe(true);
  });
});

/** Limits how many bytes the next calls write. */
function limitWrites(counts: readonly number[]): jest.SpiedFunction<typeof fs.writev> {
  const { writev } = fs;
  const left = [...counts];
  const less = ((fd, pieces, position, done) => {
    const most = left.shift();
    if (most === undefined) return writev(fd, pieces, position, done);
    const bytes = Buffer.concat(pieces as readonly Uint8Array[]).subarray(0, most);
    fs.write(fd, bytes, 0, bytes.length, position, (error, count) => done(error, count, pieces as never));
  }) as typeof fs.writev;
  return jest.spyOn(fs, 'writev').mockImplementation(less);
}
