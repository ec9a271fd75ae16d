import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ConversationStateUpdateEvent } from '../../events/index.js';
import type { Delivery } from './channel.js';
import { FileDeliveries } from '../../storage/file/deliveries/file-deliveries.js';
import { EventLane } from './event-lane.js';
import type { BorrowedLog } from '../event-source.js';
import { SnapshotBudget } from './snapshot-budget.js';

const ID = '0f0e0d0c-0b0a-4908-8706-050403020100';
/** More than the maximum number of snapshots of one conversation. */
const MANY = 40;

describe('EventLane', () => {
  let folder: string;
  const log: string[] = [];
  let lane: EventLane;
  /** Resolves when the log may be read. */
  let readable: Promise<void>;
  /** Called when the log is read. */
  let onRead: () => void;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    log.length = 0;
    readable = Promise.resolve();
    onRead = () => undefined;
    const borrowed: BorrowedLog = {
      get length() {
        return log.length;
      },
      seqOf: (id) => {
        const seq = log.findIndex((line) => line === JSON.stringify({ id }));
        return Promise.resolve(seq === -1 ? undefined : seq);
      },
      read: async (from, limit) => {
        onRead();
        await readable;
        return log.slice(from, from + limit);
      },
      release: () => undefined,
    };
    lane = new EventLane(ID, {
      target: {
        id: 'hook',
        name: null,
        shownUrl: '',
        method: 'POST',
        headers: {},
        signingKey: undefined,
        eventsUrl: () => 'http://127.0.0.1/',
        conversationsUrl: undefined,
        maxEvents: MANY,
        maxBytes: 1_000_000,
        flushDelayMs: 0,
        retries: 0,
        retryDelayMs: 0,
        maxTailBytes: 1_000_000,
      },
      source: {
        borrow: () => Promise.resolve(borrowed),
        seqOf: (_conversationId, eventId) => borrowed.seqOf(eventId),
      },
      deliveries: new FileDeliveries(folder),
      budget: new SnapshotBudget(),
      onEmpty: () => undefined,
      onDropped: () => undefined,
    });
    const snapshot = () => ({ id: 'first' }) as ConversationStateUpdateEvent;
    await lane.opening({ conversationId: ID, length: 0, snapshot });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const append = (id: string): void => {
    log.push(JSON.stringify({ id }));
    lane.published(log.length - 1, id.length);
  };
  const remove = () =>
    lane.closing({
      conversationId: ID,
      length: log.length,
      removed: true,
      owned: true,
      mayMove: false,
      read: (from, limit) => Promise.resolve(log.slice(from, from + limit)),
    });
  const idsOf = (delivery: Delivery | undefined): string[] =>
    (JSON.parse(delivery?.body ?? '[]') as { id: string }[]).map(({ id }) => id);

  it('delivers all events of a conversation that is deleted during an attempt that dropped snapshots', async () => {
    append('one');
    let mayRead = (): void => undefined;
    readable = new Promise((resolve) => (mayRead = resolve));
    const isReading = new Promise<void>((resolve) => (onRead = resolve));
    const attempt = lane.next();
    await isReading;
    // Each snapshot is larger than all events. All but the last few are dropped while the log is read.
    for (let n = 0; n < MANY; n += 1)
      lane.snapshot(JSON.stringify({ id: `snapshot ${n}`, x: 'x'.repeat(1000) }));
    mayRead();
    const first = await attempt;
    append('two');
    await remove();
    await first?.delivered();
    const got = new Set(idsOf(first));
    for (let next = await lane.next(); next; next = await lane.next()) {
      for (const id of idsOf(next)) got.add(id);
      await next.delivered();
    }
    expect([...got]).toEqual(expect.arrayContaining(['one', 'two', `snapshot ${MANY - 1}`]));
    expect(lane.waiting).toBe(0);
  });

  it('delivers again from an event to which the position was set back during an attempt', async () => {
    for (const id of ['one', 'two', 'three']) append(id);
    const first = await lane.next();
    await first?.delivered();
    append('four');
    const second = await lane.next();
    expect(idsOf(second)).toEqual(['four']);
    expect(await lane.rewind('two')).toBeUndefined();
    // The attempt began before: its success must not move the new position.
    await second?.delivered();
    expect(lane.position).toBe(1);
    expect(await new FileDeliveries(folder).positionOf(ID)).toBe(1);
    const third = await lane.next();
    expect(idsOf(third)).toEqual(['two', 'three', 'four']);
    await third?.delivered();
    expect([lane.position, lane.waiting]).toEqual([4, 0]);
  });

  it('keeps its position when an event is named that is still to be delivered, or unknown', async () => {
    for (const id of ['one', 'two']) append(id);
    expect(await lane.rewind('two')).toBeUndefined();
    expect(await lane.rewind('none')).toBe('unknown-event');
    expect(lane.position).toBe(0);
    expect(idsOf(await lane.next())).toEqual(['first', 'one', 'two']);
  });
});
