import { randomUUID } from 'node:crypto';
import {
  appendFile,
  mkdir,
  mkdtemp,
  open as openFile,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { heldLease, logRecord as record } from '../../../../test/support/log-records.js';
import type { EventLog, LogRecord } from '../../index.js';
import { conversationFolder } from '../conversation-folder.js';
import { FileEventLogStore } from '../log/file-event-log-store.js';
import { LogLines } from '../log/log-lines.js';
import { isSettled } from '../settled-stamp.js';

/** More than the minimum for an index. */
const EVENTS = 600;
/** Changes this far apart (ms) have different file times. */
const SETTLING_MS = 100;
const FENCE = heldLease();

describe('the saved index of a log', () => {
  let root: string;
  let id: string;
  let file: string;
  let index: string;
  let records: LogRecord[];
  let log: EventLog | undefined;

  const open = async (): Promise<EventLog> => {
    await log?.close();
    log = await new FileEventLogStore({ conversationsPath: root, leaseTtlSeconds: 0 }).open(id);
    return log;
  };
  const close = async (): Promise<void> => {
    await log?.close();
    log = undefined;
  };
  /** Creates a log with these events and closes it as its owner. */
  const createLog = async (events = EVENTS, owner = FENCE): Promise<void> => {
    id = randomUUID();
    await mkdir(conversationFolder(root, id));
    file = path.join(conversationFolder(root, id), 'events.jsonl');
    index = path.join(conversationFolder(root, id), 'events.index');
    records = Array.from({ length: events }, (_, seq) => record(`text ${seq}`));
    await (await open()).append(0, owner, records);
    await close();
  };
  const indexExists = (): Promise<boolean> => stat(index).then(...[() => true, () => false]);
  const entryOf = async (opened: EventLog, seq: number): Promise<unknown> => {
    const { id, timestamp, source, kind } = await opened.entry(seq);
    return { id, timestamp, source, kind };
  };
  /** Expects that the log serves what was written. */
  const expectServed = async (opened: EventLog): Promise<void> => {
    expect(opened.length).toBe(records.length);
    for (const [seq, { id, timestamp, source, kind }] of records.entries()) {
      expect(await entryOf(opened, seq)).toEqual({ id, timestamp, source, kind });
      expect(await opened.seqOf(id)).toBe(seq);
    }
    expect(await opened.seqOf(randomUUID())).toBeUndefined();
    expect(await opened.read(0, records.length)).toEqual(records.map(({ line }) => line));
  };

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'debug').mockImplementation(() => undefined);
    root = await mkdtemp(path.join(os.tmpdir(), 'event-index-'));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await log?.close();
    log = undefined;
    await rm(root, { recursive: true, force: true });
  });

  it('replaces a scan of the log, also after further appends', async () => {
    await createLog();
    expect((await stat(index)).mode & 0o777).toBe(0o600);
    const scan = jest.spyOn(LogLines.prototype, 'scan');
    await expectServed(await open());
    expect(scan).not.toHaveBeenCalled();
    for (let round = 0; round < 2; round += 1) {
      const more = Array.from({ length: 40 }, () => record('more'));
      await (await open()).append(records.length, FENCE, more);
      records.push(...more);
      await expectServed(await open());
      await close();
    }
  });

  it('is ignored for another log and for one that was changed in place', async () => {
    await createLog();
    const one = await readFile(index);
    // The index of another log with as many events, but other ids.
    await createLog();
    await writeFile(index, one);
    await expectServed(await open());
    // Changed in place with the same size: two lines of different lengths are swapped.
    await createLog();
    const before = await stat(file, { bigint: true });
    const swapped = [...records];
    [swapped[7], swapped[77]] = [records[77] ?? record(), records[7] ?? record()];
    expect(swapped[7].line.length).not.toBe(swapped[77].line.length);
    await writeFile(file, swapped.map(({ line }) => `${line}\n`).join(''));
    const after = await stat(file, { bigint: true });
    expect([after.size, after.ino]).toEqual([before.size, before.ino]);
    records = swapped;
    await expectServed(await open());
  });

  it.each<[string, () => Promise<number>]>([
    ['appended to', () => appendFile(file, `${record().line}\n`).then(() => EVENTS + 1)],
    ['truncated', async () => truncate(file, (await stat(file)).size - 10).then(() => EVENTS - 1)],
    ['truncated to nothing', () => truncate(file).then(() => 0)],
    ['extended by zeros', () => appendFile(file, Buffer.alloc(100)).then(() => EVENTS)],
    [
      'replaced by one of the same size',
      async () => {
        await writeFile(`${file}.new`, (await readFile(file)).fill(0));
        await rename(`${file}.new`, file);
        return 0;
      },
    ],
  ])('is ignored for a log that was %s', async (_, change) => {
    await createLog();
    const length = await change();
    expect((await open()).length).toBe(length);
  });

  it('is ignored when any part of it is damaged', async () => {
    await createLog();
    const whole = await readFile(index);
    const place = fc.nat(whole.length - 1);
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), fc.boolean(), async (byte, change, cut) => {
        const damaged = Buffer.from(whole);
        damaged[byte] = (damaged[byte] ?? 0) ^ change;
        await writeFile(index, cut ? damaged.subarray(0, byte) : damaged);
        await expectServed(await open());
      }),
      { numRuns: 30 },
    );
  });

  it('is not saved without the lease, for few events, or for a damaged log', async () => {
    await createLog(20);
    expect(await indexExists()).toBe(false);
    let owns = true;
    await createLog(
      EVENTS,
      heldLease(() => owns),
    );
    await rm(index);
    await (
      await open()
    ).append(
      EVENTS,
      heldLease(() => owns),
      [record()],
    );
    owns = false;
    await close();
    expect(await indexExists()).toBe(false);
    await createLog();
    await rm(index);
    await writeFile(file, (await readFile(file, 'utf8')).replace('{"id":', '{"di":'));
    await (await open()).append(EVENTS, FENCE, [record()]);
    await close();
    expect(await indexExists()).toBe(false);
  });

  it('is not saved for a log that another process has changed while it was open', async () => {
    await createLog();
    await rm(index);
    const more = record();
    await (await open()).append(EVENTS, FENCE, [more]);
    records.push(more);
    // Until the time of the append differs from that of the change below.
    while (!isSettled((await stat(file)).mtimeMs, Date.now() - SETTLING_MS)) await delay(5);
    const there = await openFile(file, 'r+');
    await there.write('damage\nand more of it', 5_000);
    await there.close();
    await close();
    expect(await indexExists()).toBe(false);
    expect((await open()).length).toBe(EVENTS + 2);
  });

  it('is not saved for a log that will be removed', async () => {
    await createLog();
    await rm(index);
    await (await open()).append(EVENTS, FENCE, [record()]);
    await log?.close('removed');
    expect(await indexExists()).toBe(false);
  });

  it('is optional: a log works when its index cannot be written', async () => {
    await createLog();
    await rm(index);
    await mkdir(index);
    await expectServed(await open());
    const more = record();
    await (await open()).append(EVENTS, FENCE, [more]);
    records.push(more);
    await close();
    await expectServed(await open());
  });
});
