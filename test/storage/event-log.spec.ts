import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { anyCharacter } from '../support/any-character.js';
import { LeaseLostError, SequenceConflictError } from '../../src/storage/index.js';
import { anyFilter, expectSame, fields, LogModel, numbered, numberedFrom } from './log-model.js';
import { describeDrivers, disown, own } from './storage-driver.js';

beforeEach(() => {
  for (const level of ['log', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
});
afterEach(() => void jest.restoreAllMocks());

describeDrivers('a log of events', (storage) => {
  it('is empty before the first append', async () => {
    const server = await storage.server();
    const owned = await own(server);
    for (const log of [owned.log, await server.logs.read(owned.id), await server.logs.read(randomUUID())]) {
      await expectSame(log, new LogModel());
      expect(await log.read(5, 5)).toEqual([]);
      expect(await log.readBytes(0, 5, 100)).toEqual([]);
      expect(await log.readMany([])).toEqual([]);
      expect((await log.readItems([])).toString()).toBe('');
      expect(await log.select({}, { from: 0, descending: false, length: 0, limit: 5 })).toEqual([]);
      expect(await log.count({}, 0)).toBe(0);
      expect(await log.seqOf(randomUUID())).toBeUndefined();
      await expect(async () => log.entry(0)).rejects.toThrow(RangeError);
      await log.close();
      await log.close();
    }
  });

  it('keeps appended events for its owner, for the next one and for other servers', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const owned = await own(one);
    const model = new LogModel();
    for (const count of [1, 3, 0, 40]) {
      const records = numberedFrom(model.length, count);
      await owned.log.append(model.length, owned.fence, records);
      model.records.push(...records);
      await expectSame(owned.log, model);
      const reader = await two.logs.read(owned.id);
      await expectSame(reader, model);
      await reader.close();
    }
    await disown(one, owned);
    const next = await own(two, owned.id);
    await expectSame(next.log, model);
    await next.log.append(model.length, next.fence, [numbered(44)]);
    expect(next.log.length).toBe(45);
    await disown(two, next);
  });

  it('answers all kinds of reads', async () => {
    const server = await storage.server();
    const { id, fence, log: writer } = await own(server);
    const records = numberedFrom(0, 30);
    const lines = records.map(({ line }) => line);
    await writer.append(0, fence, records);
    for (const log of [writer, await server.logs.read(id)]) {
      expect(await log.read(28, 5)).toEqual(lines.slice(28));
      expect(await log.read(7, 0)).toEqual([]);
      expect(await log.readMany([3, 1, 3, 29])).toEqual([lines[3], lines[1], lines[3], lines[29]]);
      expect((await log.readItems([2, 0])).toString()).toBe(`${lines[2]},${lines[0]}`);
      expect(fields([await log.entry(4)])).toEqual(fields([records[4] ?? numbered(0)]));
      expect(fields(await log.entries(28, 9))).toEqual(fields(records.slice(28)));
      await expect(async () => log.entry(30)).rejects.toThrow(RangeError);
      const unknown = randomUUID();
      expect(await log.seqsOf([records[9]?.id ?? '', unknown, records[0]?.id ?? ''])).toEqual([
        9,
        undefined,
        0,
      ]);
      expect(await log.seqOf('no UUID \u{1f600}')).toBeUndefined();
      const size = Buffer.byteLength(lines[0] ?? '');
      const texts = async (bytes: number) => (await log.readBytes(0, 30, bytes)).map(String);
      expect(await texts(1)).toEqual(lines.slice(0, 1));
      expect(await texts(size)).toEqual(lines.slice(0, 1));
      expect(await texts(1_000_000)).toEqual(lines);
      const groups = await log.splitByBytes([5, 4, 3, 2, 1, 0], 2 * size + 2);
      expect(groups.flat()).toEqual([5, 4, 3, 2, 1, 0]);
      for (const group of groups) {
        const bytes = group.reduce((sum, seq) => sum + Buffer.byteLength(lines[seq] ?? ''), 0);
        expect(group.length === 1 || bytes <= 2 * size + 2).toBe(true);
      }
      await log.close();
    }
  });

  it('does what a list in memory does', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const command = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.nat(6) }) },
      fc.record({ do: fc.constant('texts' as const), texts: fc.array(fc.string({ unit: anyCharacter })) }),
      fc.record({ do: fc.constant('read' as const), from: fc.nat(40), limit: fc.nat(40) }),
      fc.record({ do: fc.constant('pick' as const), seqs: fc.array(fc.nat(1000), { maxLength: 6 }) }),
      fc.record({
        do: fc.constant('select' as const),
        filter: anyFilter,
        from: fc.nat(40),
        descending: fc.boolean(),
        length: fc.nat(60),
        limit: fc.integer({ min: 1, max: 30 }),
      }),
      fc.record({ do: fc.constant('reader' as const) }),
      fc.record({ do: fc.constant('move' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
        let [server, other] = [one, two];
        const model = new LogModel();
        let owned = await own(server);
        for (const step of commands) {
          if (step.do === 'append' || step.do === 'texts') {
            const records =
              step.do === 'append'
                ? numberedFrom(model.length, step.count)
                : step.texts.map((text, index) => numbered(model.length + index, text));
            await owned.log.append(model.length, owned.fence, records);
            model.records.push(...records);
            expect(owned.log.length).toBe(model.length);
          } else if (step.do === 'read') {
            expect(await owned.log.read(step.from, step.limit)).toEqual(model.lines(step.from, step.limit));
          } else if (step.do === 'pick') {
            const seqs = model.length === 0 ? [] : step.seqs.map((seq) => seq % model.length);
            const lines = seqs.map((seq) => model.records[seq]?.line);
            expect(await owned.log.readMany(seqs)).toEqual(lines);
            expect((await owned.log.readItems(seqs)).toString()).toBe(lines.join(','));
          } else if (step.do === 'select') {
            const range = { ...step, length: Math.min(step.length, model.length) };
            const reader = await other.logs.read(owned.id);
            for (const log of [owned.log, reader]) {
              expect(await log.select(step.filter, range)).toEqual(model.select(step.filter, range));
              expect(await log.count(step.filter, range.length)).toBe(model.count(step.filter, range.length));
            }
            await reader.close();
          } else if (step.do === 'reader') {
            const reader = await other.logs.read(owned.id);
            await expectSame(reader, model);
            await reader.close();
          } else {
            await disown(server, owned);
            [server, other] = [other, server];
            owned = await own(server, owned.id);
          }
        }
        await expectSame(owned.log, model);
        await disown(server, owned);
      }),
      { numRuns: 25 },
    );
  });

  it('takes overlapping appends of many conversations, each in its order', async () => {
    const server = await storage.server();
    const logs = await Promise.all(Array.from({ length: 12 }, () => own(server)));
    const models = logs.map(() => new LogModel());
    const settled: number[][] = logs.map(() => []);
    const appends: Promise<void>[] = [];
    for (let round = 0; round < 40; round += 1) {
      for (const [index, { log, fence }] of logs.entries()) {
        const model = models[index] ?? new LogModel();
        const records = numberedFrom(model.length, 1 + ((round + index) % 4));
        const end = model.length + records.length;
        const append = log.append(model.length, fence, records).then(() => {
          expect(log.length).toBeGreaterThanOrEqual(end);
          settled[index]?.push(end);
        });
        appends.push(append);
        model.records.push(...records);
      }
      if (round % 8 === 0) await appends.at(-1);
    }
    await Promise.all(appends);
    for (const [index, { log }] of logs.entries()) {
      await expectSame(log, models[index] ?? new LogModel());
      expect(settled[index]).toEqual([...(settled[index] ?? [])].sort((a, b) => a - b));
    }
  });

  it('shows other servers only a beginning of the log while it is written', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const { id, fence, log } = await own(one);
    const records = numberedFrom(0, 400);
    let isWriting = true;
    const write = async () => {
      try {
        for (let seq = 0; seq < records.length; seq += 2)
          await log.append(seq, fence, records.slice(seq, seq + 2));
      } finally {
        isWriting = false;
      }
    };
    const look = async () => {
      let known = 0;
      while (isWriting) {
        await setImmediate();
        const before = log.length;
        const reader = await two.logs.read(id);
        // What was acknowledged is seen at once, and both events of an append or none.
        expect(reader.length).toBeGreaterThanOrEqual(Math.max(before, known));
        expect(reader.length % 2).toBe(0);
        known = reader.length;
        const lines = records.slice(0, known).map(({ line }) => line);
        expect(await reader.read(0, 1000)).toEqual(lines);
        await reader.close();
      }
    };
    await Promise.all([write(), look()]);
  });

  it('refuses a sequence number that is not the next one, and stores nothing of it', async () => {
    const server = await storage.server();
    const { id, fence, log } = await own(server);
    const [first, second, third] = [numbered(0), numbered(1), numbered(2)];
    await log.append(0, fence, [first]);
    for (const wrong of [0, 2, 7])
      await expect(log.append(wrong, fence, [numbered(9)])).rejects.toThrow(SequenceConflictError);
    const overlapping = await Promise.allSettled([
      log.append(1, fence, [second]),
      log.append(1, fence, [numbered(9)]),
      log.append(3, fence, [numbered(9)]),
      log.append(2, fence, [third]),
    ]);
    expect(overlapping.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    const reader = await server.logs.read(id);
    for (const one of [log, reader])
      expect(await one.read(0, 9)).toEqual([first, second, third].map((it) => it.line));
    await reader.close();
  });

  it('refuses a writer that no longer has the lease, and the next one continues', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const model = new LogModel();
    let [owner, other] = [one, two];
    let owned = await own(owner);
    for (let round = 0; round < 6; round += 1) {
      const old = owned;
      const records = numberedFrom(model.length, 3);
      await old.log.append(model.length, old.fence, records);
      model.records.push(...records);
      await owner.leases.release(old.fence);
      await expect(old.log.append(model.length, old.fence, [numbered(9)])).rejects.toThrow(LeaseLostError);
      [owner, other] = [other, owner];
      owned = await own(owner, owned.id);
      expect(owned.fence.generation).toBeGreaterThan(old.fence.generation);
      await expect(old.log.append(model.length, old.fence, [numbered(9)])).rejects.toThrow(LeaseLostError);
      await old.log.close();
      await expectSame(owned.log, model);
    }
  });

  it('stores lines from one byte to megabytes', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const { id, fence, log } = await own(one);
    const model = new LogModel();
    const sizes = [0, 1, 2000, 8_000, 70_000, 1_048_000, 3_000_000, 10];
    for (const [index, size] of sizes.entries()) {
      const record = numbered(index, (index % 2 ? '\u{1f600}é\u0000' : 'text ').repeat(size / 5));
      await log.append(index, fence, [index % 3 ? record : { ...record, bytes: Buffer.from(record.line) }]);
      model.records.push(record);
    }
    await expectSame(log, model);
    const reader = await two.logs.read(id);
    await expectSame(reader, model);
    const parts = await reader.readBytes(4, 4, 2_000_000);
    expect(parts.map(String)).toEqual(model.lines(4, parts.length));
    expect(parts.reduce((sum, part) => sum + part.length, 0)).toBeLessThanOrEqual(2_000_000);
    const groups = await reader.splitByBytes([7, 6, 5, 4], 2_500_000);
    expect(groups.flat()).toEqual([7, 6, 5, 4]);
    expect(groups).toContainEqual([6]);
    await reader.close();
  });

  it('serves an event in the place of a damaged line, and all others unchanged', async () => {
    const server = await storage.server();
    const owned = await own(server);
    const records = numberedFrom(0, 9);
    await owned.log.append(0, owned.fence, records);
    await disown(server, owned);
    // A database checks its pages itself.
    if (!storage.storage.damageLine) return;
    await storage.storage.damageLine(owned.id, 4);
    const next = await own(server, owned.id);
    expect(next.log.length).toBe(9);
    const reader = await server.logs.read(owned.id);
    for (const log of [next.log, reader]) {
      const lines = await log.read(0, 10);
      const bytes = (await log.readBytes(0, 10, 1_000_000)).map(String);
      const items = JSON.parse(`[${(await log.readItems([3, 4, 5])).toString()}]`) as Record<
        string,
        unknown
      >[];
      for (const line of [lines[4], bytes[4], (await log.readMany([4]))[0], JSON.stringify(items[1])])
        expect(JSON.parse(line ?? '')).toMatchObject({
          kind: 'ConversationErrorEvent',
          code: 'DamagedEvent',
        });
      for (const seq of [0, 1, 2, 3, 5, 6, 7, 8]) {
        expect([lines[seq], bytes[seq]]).toEqual([records[seq]?.line, records[seq]?.line]);
        expect(await log.seqOf(records[seq]?.id ?? '')).toBe(seq);
      }
    }
    await reader.close();
    await next.log.append(9, next.fence, [numbered(9)]);
    expect(next.log.length).toBe(10);
    await disown(server, next);
  });
});
