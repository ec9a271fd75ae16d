import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FileDocuments } from '../../../storage/file/documents/file-documents.js';
import { RUN_QUEUE_DOCUMENT } from '../../../storage/index.js';
import type { QueuedRun } from './queued-run.js';
import { StoredQueue } from './stored-queue.js';

const run = (id: string): QueuedRun => ({
  conversation_id: id,
  owner_key: null,
  priority: 0,
  queued_at: '2026-01-01T00:00:00.000Z',
  log_length: 1,
});

describe('the stored queue of runs', () => {
  let root: string;
  let folder: string;
  let queue: StoredQueue;
  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'stored-queue-'));
    folder = path.join(root, 'documents');
    await mkdir(folder);
    queue = new StoredQueue(new FileDocuments(folder));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const stored = async (): Promise<string> => readFile(path.join(folder, RUN_QUEUE_DOCUMENT), 'utf8');
  const ids = (runs: Map<string, QueuedRun>): string[] => [...runs.keys()];
  /** Does something while nothing can be written. */
  const whileFailing = async (work: () => Promise<unknown>): Promise<void> => {
    await rename(folder, `${folder}-aside`);
    await writeFile(folder, '');
    await expect(work()).rejects.toThrow();
    await rm(folder);
    await rename(`${folder}-aside`, folder);
  };

  it('has what several servers add and remove at once', async () => {
    const other = new StoredQueue(new FileDocuments(folder));
    await Promise.all([queue.add(run('a')), queue.add(run('b')), queue.add(run('c')), other.add(run('d'))]);
    await Promise.all([queue.remove('b'), other.add(run('e'))]);
    expect(ids(await other.read()).sort()).toEqual(['a', 'c', 'd', 'e']);
  });

  it('forgets a run whose removal could not be stored, and removes it later', async () => {
    await queue.add(run('a'));
    await whileFailing(() => queue.remove('a'));
    expect(await stored()).toContain('"a"');
    expect(ids(await queue.read())).toEqual([]);
    expect(ids(await queue.refresh())).toEqual([]);
    expect(await stored()).not.toContain('"a"');
  });

  it('has no run whose addition has failed, until it is added again', async () => {
    await whileFailing(() => queue.add(run('a')));
    expect(ids(await queue.refresh())).toEqual([]);
    await queue.add(run('a'));
    expect(ids(await queue.refresh())).toEqual(['a']);
  });

  it('keeps a run whose change could not be stored', async () => {
    await queue.add(run('a'));
    await whileFailing(() => queue.replace({ ...run('a'), priority: 5 }));
    expect(ids(await queue.refresh())).toEqual(['a']);
  });

  it('begins anew beside a damaged document, which is kept', async () => {
    await writeFile(path.join(folder, RUN_QUEUE_DOCUMENT), '{damaged');
    expect(ids(await queue.read())).toEqual([]);
    await queue.add(run('a'));
    expect(ids(await queue.read())).toEqual(['a']);
    const kept = (await readdir(folder)).filter((name) => name.includes('damaged'));
    expect(await Promise.all(kept.map((name) => readFile(path.join(folder, name), 'utf8')))).toEqual([
      '{damaged',
    ]);
  });
});
