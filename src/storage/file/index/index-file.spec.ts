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

/** As many as get an index, and some. */
const EVENTS = 600;
/** Changes this far apart (ms) are told apart by who keeps an index. */
const SETTLING_MS = 100;
const FENCE = heldLease();

describe('the index beside a log', () => {
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
  /** A log with these events that was closed by its owner. */
  const made = async (events = EVENTS, owner = FENCE): Promise<void> => {
    id = randomUUID();
    await mkdir(conversationFolder(root, id));
    file = path.join(conversationFolder(root, id), 'events.jsonl');
    index = path.join(conversationFolder(root, id), 'events.index');
    records = Array.from({ length: events }, (_, seq) => record(`text ${seq}`));
    await (await open()).append(0, owner, records);
    await close();
  };
  const isThere = (): Promise<boolean> => stat(index).then(...[() => true, () => false]);
  const entryOf = (opened: EventLog, seq: number): unknown => {
    const { id, timestamp, source, kind } = opened.entry(seq);
    return { id, timestamp, source, kind };
  };
  /** What the log tells is what was written. */
  const tells = async (opened: EventLog): Promise<void> => {
    expect(opened.length).toBe(records.length);
    for (const [seq, { id, timestamp, source, kind }] of records.entries()) {
      expect(entryOf(opened, seq)).toEqual({ id, timestamp, source, kind });
      expect(opened.seqOf(id)).toBe(seq);
    }
    expect(opened.seqOf(randomUUID())).toBeUndefined();
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

  it('tells what the log tells, without a look at it, and goes on with it', async () => {
    await made();
    expect((await stat(index)).mode & 0o777).toBe(0o600);
    const scan = jest.spyOn(LogLines.prototype, 'scan');
    await tells(await open());
    expect(scan).not.toHaveBeenCalled();
    for (let round = 0; round < 2; round += 1) {
      const more = Array.from({ length: 40 }, () => record('more'));
      await (await open()).append(records.length, FENCE, more);
      records.push(...more);
      await tells(await open());
      await close();
    }
  });

  it('is what is read, as long as it is of this very log', async () => {
    await made();
    const one = await readFile(index);
    // Of another log with as many events: it would tell other ids, if it were believed.
    await made();
    await writeFile(index, one);
    await tells(await open());
    // Changed in place, and of the same size: two lines of different lengths have changed places.
    await made();
    const before = await stat(file, { bigint: true });
    const swapped = [...records];
    [swapped[7], swapped[77]] = [records[77] ?? record(), records[7] ?? record()];
    expect(swapped[7].line.length).not.toBe(swapped[77].line.length);
    await writeFile(file, swapped.map(({ line }) => `${line}\n`).join(''));
    const after = await stat(file, { bigint: true });
    expect([after.size, after.ino]).toEqual([before.size, before.ino]);
    records = swapped;
    await tells(await open());
  });

  it.each<[string, () => Promise<number>]>([
    ['appended to', () => appendFile(file, `${record().line}\n`).then(() => EVENTS + 1)],
    ['cut', async () => truncate(file, (await stat(file)).size - 10).then(() => EVENTS - 1)],
    ['emptied', () => truncate(file).then(() => 0)],
    ['of zeros at its end', () => appendFile(file, Buffer.alloc(100)).then(() => EVENTS)],
    [
      'another one of the same size',
      async () => {
        await writeFile(`${file}.new`, (await readFile(file)).fill(0));
        await rename(`${file}.new`, file);
        return 0;
      },
    ],
  ])('is not believed of a log that was %s', async (_, change) => {
    await made();
    const length = await change();
    expect((await open()).length).toBe(length);
  });

  it('is none when any part of it is damaged', async () => {
    await made();
    const whole = await readFile(index);
    const place = fc.nat(whole.length - 1);
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), fc.boolean(), async (byte, change, cut) => {
        const damaged = Buffer.from(whole);
        damaged[byte] = (damaged[byte] ?? 0) ^ change;
        await writeFile(index, cut ? damaged.subarray(0, byte) : damaged);
        await tells(await open());
      }),
      { numRuns: 30 },
    );
  });

  it('is not made by who lost the lease, of few events, nor of a damaged log', async () => {
    await made(20);
    expect(await isThere()).toBe(false);
    let owns = true;
    await made(
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
    expect(await isThere()).toBe(false);
    await made();
    await rm(index);
    await writeFile(file, (await readFile(file, 'utf8')).replace('{"id":', '{"di":'));
    await (await open()).append(EVENTS, FENCE, [record()]);
    await close();
    expect(await isThere()).toBe(false);
  });

  it('is not made of a log that somebody else has changed while it was open', async () => {
    await made();
    await rm(index);
    const more = record();
    await (await open()).append(EVENTS, FENCE, [more]);
    records.push(more);
    // What is of the append is behind us by then.
    while (!isSettled((await stat(file)).mtimeMs, Date.now() - SETTLING_MS)) await delay(5);
    const there = await openFile(file, 'r+');
    await there.write('damage\nand more of it', 5_000);
    await there.close();
    await close();
    expect(await isThere()).toBe(false);
    expect((await open()).length).toBe(EVENTS + 2);
  });

  it('is not made of a log that is to be removed', async () => {
    await made();
    await rm(index);
    await (await open()).append(EVENTS, FENCE, [record()]);
    await log?.close('removed');
    expect(await isThere()).toBe(false);
  });

  it('is done without where it cannot be', async () => {
    await made();
    await rm(index);
    await mkdir(index);
    await tells(await open());
    const more = record();
    await (await open()).append(EVENTS, FENCE, [more]);
    records.push(more);
    await close();
    await tells(await open());
  });
});
