import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { heldLease, logRecord } from '../../../../test/support/log-records.js';
import type { LogRecord } from '../../index.js';
import { conversationFolder } from '../conversation-folder.js';
import { FileEventLogStore } from './file-event-log-store.js';
import { ReadAhead } from './read-ahead.js';

describe('reading ahead', () => {
  const bytes = Buffer.from('bytes');
  const read = (): Promise<Buffer> => Promise.resolve(bytes);

  it('hands out just the bytes that were prepared, once', async () => {
    const ahead = new ReadAhead();
    const file = {};
    ahead.begin(file, 10, 20, read);
    expect(ahead.take(file, 10, 19)).toBeUndefined();
    expect(ahead.take({}, 10, 20)).toBeUndefined();
    expect(await ahead.take(file, 10, 20)).toBe(bytes);
    expect(ahead.take(file, 10, 20)).toBeUndefined();
  });

  it('holds a piece of eight files, none of them large', () => {
    const ahead = new ReadAhead();
    const files = Array.from({ length: 10 }, () => ({}));
    for (const file of files) ahead.begin(file, 0, 128 * 1024, read);
    expect(files.map((file) => ahead.take(file, 0, 128 * 1024) !== undefined)).toEqual(
      files.map((_file, index) => index >= 2),
    );
    const [file = {}] = files;
    ahead.begin(file, 0, 128 * 1024 + 1, () => Promise.reject(new Error('it is read')));
    expect(ahead.take(file, 0, 128 * 1024 + 1)).toBeUndefined();
  });

  it('has nothing of what could not be read, nor of a file that was closed', async () => {
    const ahead = new ReadAhead();
    const file = {};
    ahead.begin(file, 0, 1, () => Promise.reject(new Error('no')));
    expect(await ahead.take(file, 0, 1)).toBeUndefined();
    ahead.begin(file, 0, 1, read);
    ahead.drop(file);
    expect(ahead.take(file, 0, 1)).toBeUndefined();
  });
});

describe('pages of a log that are read one after the other', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'pages-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('are read before they are asked for', async () => {
    const id = randomUUID();
    const folder = conversationFolder(root, id);
    await mkdir(folder);
    const log = await new FileEventLogStore({ conversationsPath: root, leaseTtlSeconds: 0 }).open(id);
    try {
      const records = Array.from({ length: 40 }, (_, n) => logRecord(`line ${n}`));
      await log.append(0, heldLease(), records);
      const page = async (from: number): Promise<string> =>
        String(await log.readItems(Array.from({ length: 10 }, (_, n) => from + n)));
      const lines = (from: number): string =>
        records
          .slice(from, from + 10)
          .map(({ line }) => line)
          .join();
      await page(0);
      await page(10);
      // The second page that follows another one has the third read: what happens to the file now comes too
      // late.
      while (process.getActiveResourcesInfo().includes('FSReqCallback')) await new Promise(setImmediate);
      const file = path.join(folder, 'events.jsonl');
      await writeFile(file, (await readFile(file, 'utf8')).replaceAll('line', 'LINE'));
      expect([await page(20), await page(30)]).toEqual([lines(20), lines(30).replaceAll('line', 'LINE')]);
    } finally {
      await log.close();
    }
  });

  it('have the lines of the log, whatever is appended meanwhile and however many read', async () => {
    const steps = fc.array(
      fc.record({
        append: fc.nat(3),
        readers: fc.integer({ min: 1, max: 3 }),
        restart: fc.boolean(),
      }),
      { minLength: 5, maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 7 }), async (script, limit) => {
        const id = randomUUID();
        await mkdir(conversationFolder(root, id));
        const log = await new FileEventLogStore({ conversationsPath: root, leaseTtlSeconds: 0 }).open(id);
        try {
          const fence = heldLease();
          const written: LogRecord[] = [];
          const write = async (count: number): Promise<void> => {
            const records = Array.from({ length: count }, () => logRecord(`äöü ${written.length}`));
            await log.append(written.length, fence, records);
            written.push(...records);
          };
          await write(20);
          let from = 0;
          for (const { append, readers, restart } of script) {
            if (restart || from >= written.length) from = 0;
            const seqs = written.map((_record, seq) => seq).slice(from, from + limit);
            const pages = await Promise.all(Array.from({ length: readers }, () => log.readItems(seqs)));
            const lines = seqs.map((seq) => written[seq]?.line).join();
            expect(pages.map(String)).toEqual(pages.map(() => lines));
            from += seqs.length;
            await write(append);
          }
        } finally {
          await log.close();
        }
      }),
      { numRuns: 20 },
    );
  });
});
