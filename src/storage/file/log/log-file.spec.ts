import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, rmdir, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { heldLease, logRecord as record } from '../../../../test/support/log-records.js';
import type { EventLog } from '../../index.js';
import { conversationFolder } from '../conversation-folder.js';
import { FileEventLogStore } from './file-event-log-store.js';

const fence = heldLease();

describe('LogFile', () => {
  let root: string;
  let logs: FileEventLogStore;
  let id: string;
  let file: string;
  let log: EventLog;

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    root = await mkdtemp(path.join(os.tmpdir(), 'log-file-'));
    logs = new FileEventLogStore({ conversationsPath: root, leaseTtlSeconds: 0 });
    id = randomUUID();
    const folder = conversationFolder(root, id);
    await mkdir(folder);
    file = path.join(folder, 'events.jsonl');
    log = await logs.open(id);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await log.close();
    await rm(root, { recursive: true, force: true });
  });

  const reopen = async (): Promise<EventLog> => {
    await log.close();
    log = await logs.open(id);
    return log;
  };

  it('leaves no file open when it is closed during a read', async () => {
    const records = Array.from({ length: 40 }, () => record('x'.repeat(20_000)));
    await log.append(0, fence, records);
    // Far apart, so that they are read with separate calls.
    const seqs = records.flatMap((_, seq) => (seq % 2 === 0 ? [seq] : []));
    const reading = log.readMany(seqs);
    await log.close();
    expect(await reading).toEqual(seqs.map((seq) => records[seq]?.line));
    expect(await openFiles()).not.toContain(file);
  });

  it('keeps at most one file open when it cannot be opened for writing', async () => {
    const kept = record();
    await log.append(0, fence, [kept]);
    await reopen();
    for (let round = 0; round < 3; round += 1) {
      expect(await log.read(0, 1)).toEqual([kept.line]);
      await rename(file, `${file}.away`);
      await mkdir(file);
      await expect(log.append(1, fence, [record()])).rejects.toThrow('EISDIR');
      await rmdir(file);
      await rename(`${file}.away`, file);
    }
    await log.append(1, fence, [record()]);
    expect((await openFiles()).filter((target) => target === file)).toHaveLength(1);
  });

  describe('after a failed write', () => {
    it('rejects all pending appends and keeps the durable events', async () => {
      const kept = record();
      await log.append(0, fence, [kept]);
      failOnce('write', 'ENOSPC');
      const failing = [1, 2, 3].map((seq) => log.append(seq, fence, [record()]));
      const results = await Promise.allSettled(failing);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      expect(log.length).toBe(1);
      expect(await readFile(file, 'utf8')).toBe(`${kept.line}\n`);
      const next = record();
      await log.append(1, fence, [next]);
      expect(await (await reopen()).read(0, 10)).toEqual([kept.line, next.line]);
    });

    it('truncates the file before the next append if it could not do so at once', async () => {
      const kept = record('short');
      await log.append(0, fence, [kept]);
      failOnce('write', 'EIO', (fd, bytes, from, length, position) =>
        fs.writeSync(fd, bytes, from, length, position),
      );
      failOnce('ftruncate', 'EIO');
      await expect(log.append(1, fence, [record('long'.repeat(100))])).rejects.toThrow('EIO');
      expect((await stat(file)).size).toBeGreaterThan(400);
      const next = record();
      await log.append(1, fence, [next]);
      expect(await readFile(file, 'utf8')).toBe(`${kept.line}\n${next.line}\n`);
    });
  });
});

/** The files that this process has open. */
async function openFiles(): Promise<string[]> {
  const open = await readdir('/proc/self/fd').catch((): string[] => []);
  return Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
}

type Written = [fd: number, bytes: Buffer, from: number, length: number, position: number];

/** Makes the next call of a function of `fs` fail, optionally after it has done its work. */
function failOnce(call: 'write' | 'ftruncate', code: string, work?: (...args: Written) => unknown): void {
  const failing = (...args: unknown[]): void => {
    const answer = args.pop() as (error: Error) => void;
    work?.(...(args as Written));
    setImmediate(() => answer(Object.assign(new Error(code), { code })));
  };
  jest.spyOn(fs, call).mockImplementationOnce(failing);
}
