import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { heldLease, logRecord } from '../../../../test/support/log-records.js';
import type { LogRecord } from '../../index.js';
import { conversationFolder } from '../conversation-folder.js';
import { FileEventLogStore } from './file-event-log-store.js';

describe('FileEventLog.readItems', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'pages-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('returns the lines of the log to concurrent readers while events are appended', async () => {
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
