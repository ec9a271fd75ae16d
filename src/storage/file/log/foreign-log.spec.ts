import { createHash, randomUUID } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, open, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { serialize } from 'node:v8';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { logRecord } from '../../../../test/support/log-records.js';
import { DamagedConversationError } from '../../index.js';
import { conversationFolder } from '../conversation-folder.js';
import { EventIndex } from '../index/event-index.js';
import { FileEventLogStore } from './file-event-log-store.js';
import { LogFile } from './log-file.js';

describe('The log of a conversation that somebody else writes', () => {
  let root: string;
  let id: string;
  let file: string;
  let logs: FileEventLogStore;

  beforeEach(async () => {
    for (const level of ['warn', 'error'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
    root = await mkdtemp(path.join(os.tmpdir(), 'foreign-log-'));
    id = randomUUID();
    await mkdir(conversationFolder(root, id));
    file = path.join(conversationFolder(root, id), 'events.jsonl');
    logs = new FileEventLogStore(
      { conversationsPath: root, leaseTtlSeconds: 0 },
      { isForeign: (conversation) => conversation === id },
    );
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await rm(root, { recursive: true, force: true });
  });

  const line = () => `${logRecord().line}\n`;

  it('is read without the index that lies beside it', async () => {
    await writeFile(file, line() + line());
    const { stamp } = await new LogFile(file).stamp();
    // Offsets far beyond the file: a reader that believes them fails.
    const columns = new ArrayBuffer(18);
    new Float64Array(columns, 0, 1)[0] = 2 ** 40;
    const ids = { words: new Uint32Array(4), slots: new Uint32Array(8).fill(1) };
    const content = serialize({ layout: 1, stamp, index: { columns, names: ['agent'], ids } });
    const hash = createHash('sha1').update(content).digest();
    await writeFile(path.join(path.dirname(file), 'events.index'), Buffer.concat([hash, content]));
    const log = await logs.read(id);
    expect(log.length).toBe(2);
    expect(await log.read(0, 10)).toHaveLength(2);
    await log.close();
  });

  it.each([
    ['lines that are no events', '\n'.repeat(20_000)],
    ['lines with one id', `${logRecord().line}\n`.repeat(20_000)],
    ['lines in another form', Array.from({ length: 20_000 }, (_, id) => `{"id":"${id}"}\n`).join('')],
  ])('is refused with too many %s', async (_, text) => {
    await writeFile(file, line() + text + line());
    await expect(logs.read(id)).rejects.toThrow(DamagedConversationError);
  });

  it('is refused when it is huge, before it is read', async () => {
    const handle = await open(file, 'w');
    await handle.truncate(2 ** 40);
    await handle.close();
    const started = performance.now();
    await expect(logs.read(id)).rejects.toThrow(DamagedConversationError);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('is no link', async () => {
    const target = path.join(root, 'elsewhere');
    await writeFile(target, line());
    await symlink(target, file);
    await expect(logs.read(id)).rejects.toThrow(DamagedConversationError);
  });

  it('is followed from the last known line, and read anew when it is another one', async () => {
    const [first, second, third] = [line(), line(), line()];
    const log = await logs.follow(id);
    expect(log.length).toBe(0);
    await writeFile(file, first + second.slice(0, 20));
    await log.refresh();
    expect(await log.read(0, 10)).toEqual([first.trimEnd()]);
    const scanned = jest.spyOn(EventIndex.prototype, 'push');
    await appendFile(file, second.slice(20));
    await log.refresh();
    expect([log.length, scanned.mock.calls.length]).toEqual([2, 1]);
    await log.refresh();
    expect(scanned).toHaveBeenCalledTimes(1);

    await truncate(file, first.length);
    await log.refresh();
    expect(log.length).toBe(1);
    await rename(file, `${file}.old`);
    await writeFile(file, second + third);
    await log.refresh();
    expect(await log.read(0, 10)).toEqual([second.trimEnd(), third.trimEnd()]);
    await rm(file);
    await log.refresh();
    expect(log.length).toBe(0);
    await symlink(`${file}.old`, file);
    await expect(log.refresh()).rejects.toThrow(DamagedConversationError);
    await log.close();
  });
});
