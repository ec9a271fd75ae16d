import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  catalogueEntry,
  DamagedConversationError,
  LeaseLostError,
  type CatalogueEntry,
  type LeaseFence,
  type StoredMetadata,
} from '../../index.js';
import { FileCatalogue } from './file-catalogue.js';
import { conversationFolder } from '../conversation-folder.js';
import { FileLeaseStore } from '../lease/file-lease-store.js';

describe('FileCatalogue', () => {
  let root: string;
  let leases: FileLeaseStore;
  let catalogue: FileCatalogue;
  let errors: jest.SpiedFunction<(message: string) => void>;

  const open = (): FileCatalogue => new FileCatalogue({ conversationsPath: root, leaseTtlSeconds: 0 });
  const list = (of: FileCatalogue): Promise<CatalogueEntry[]> =>
    of.page({ order: 'CREATED_AT', limit: 1000 });
  const ids = async (of: FileCatalogue): Promise<string[]> => (await list(of)).map(({ id }) => id);
  const folderOf = (id: string): string => conversationFolder(root, id);
  const metadataFile = (id: string): string => path.join(folderOf(id), 'metadata.json');
  const stored = async (createdAt: string): Promise<{ metadata: StoredMetadata; fence: LeaseFence }> => {
    const metadata = newMetadata(createdAt);
    const fence = await leases.acquire(metadata.id);
    await catalogue.save(metadata, fence);
    return { metadata, fence };
  };

  beforeEach(async () => {
    errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    root = await mkdtemp(path.join(os.tmpdir(), 'catalogue-'));
    leases = new FileLeaseStore({ conversationsPath: root, leaseTtlSeconds: 0 });
    catalogue = open();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await leases.onApplicationShutdown();
    await rm(root, { recursive: true, force: true });
  });

  it('lists saved conversations by time of creation, before and after a restart', async () => {
    const times = ['2026-03-01', '2026-01-01', '2026-02-01', '2026-02-01'];
    const saved = [];
    for (const time of times) saved.push((await stored(time)).metadata);
    const expected = saved
      .map((metadata) => catalogueEntry(metadata))
      .sort((a, b) => (a.created_at + a.id < b.created_at + b.id ? -1 : 1));
    for (const current of [catalogue, open()]) {
      expect(await list(current)).toEqual(expected);
      expect(await current.load(expected[0]?.id ?? '')).toEqual(
        saved.find(({ id }) => id === expected[0]?.id),
      );
      expect(await current.has(expected[1]?.id ?? '')).toBe(true);
      expect(await current.has(randomUUID())).toBe(false);
      expect(await current.load(randomUUID())).toBeUndefined();
    }
  });

  it('writes files that only their owner can read, and leaves no temporary files', async () => {
    const { metadata } = await stored('2026-01-01');
    expect(await readdir(folderOf(metadata.id))).toEqual(['metadata.json']);
    expect((await stat(metadataFile(metadata.id))).mode & 0o777).toBe(0o600);
    expect((await stat(folderOf(metadata.id))).mode & 0o777).toBe(0o700);
  });

  it('keeps the order of saves, each with the content at the time of the call', async () => {
    const { metadata, fence } = await stored('2026-01-01');
    const saves = [];
    for (let round = 1; round <= 20; round += 1) {
      metadata['round'] = round;
      saves.push(catalogue.save(metadata, fence));
    }
    metadata['round'] = 'later';
    await Promise.all(saves);
    expect(await open().load(metadata.id)).toMatchObject({ round: 20 });
  });

  it('lists conversations that another server creates, until it removes them', async () => {
    const [own, gone] = [await stored('2026-01-01'), await stored('2026-01-02')];
    const other = open();
    expect(await ids(other)).toEqual([own.metadata.id, gone.metadata.id]);
    await catalogue.remove(gone.metadata.id);
    const { metadata } = await stored('2026-01-03');
    expect(await ids(other)).toEqual([own.metadata.id, metadata.id]);
    const unfinished = newMetadata('2026-01-04');
    await mkdir(folderOf(unfinished.id));
    expect(await ids(other)).toEqual([own.metadata.id, metadata.id]);
    await writeFile(metadataFile(unfinished.id), JSON.stringify(unfinished));
    expect(await ids(other)).toEqual([own.metadata.id, metadata.id, unfinished.id]);
  });

  it('updates the entry of an open conversation, and keeps only the fields of the list', async () => {
    const { metadata } = await stored('2026-01-01');
    const before = await list(catalogue);
    catalogue.updateEntry({ ...metadata, execution_status: 'running' });
    expect(await list(catalogue)).toEqual([{ ...before[0], execution_status: 'running' }]);
    expect(before[0]?.execution_status).toBe('idle');
    catalogue.updateEntry(newMetadata('2026-01-01'));
    expect(await ids(catalogue)).toEqual([metadata.id]);
  });

  it('rejects a save without the lease', async () => {
    const { metadata, fence } = await stored('2026-01-01');
    await leases.release(fence);
    await expect(catalogue.save({ ...metadata, title: 'no' }, fence)).rejects.toThrow(LeaseLostError);
    expect(await catalogue.load(metadata.id)).toEqual(metadata);
  });

  it('does not overwrite entries that were saved during the first scan', async () => {
    const { metadata, fence } = await stored('2026-01-01');
    const fresh = open();
    const listed = list(fresh);
    await fresh.save({ ...metadata, execution_status: 'finished' }, fence);
    await listed;
    expect((await list(fresh)).map(({ execution_status }) => execution_status)).toEqual(['finished']);
  });

  it('removes a conversation with all its files, whatever state it is in', async () => {
    const { metadata } = await stored('2026-01-01');
    const other = await stored('2026-01-02');
    await mkdir(path.join(folderOf(metadata.id), 'observations'));
    await writeFile(path.join(folderOf(metadata.id), 'observations', 'one'), 'x');
    await catalogue.remove(metadata.id);
    await catalogue.remove(metadata.id);
    expect(await ids(catalogue)).toEqual([other.metadata.id]);
    expect(await ids(open())).toEqual([other.metadata.id]);
    expect(await readdir(root)).toEqual([path.basename(folderOf(other.metadata.id))]);
    await writeFile(metadataFile(other.metadata.id), 'broken');
    await catalogue.remove(other.metadata.id);
    expect(await readdir(root)).toEqual([]);
  });

  it('finishes a removal that a crash interrupted at the next start', async () => {
    const leftover = path.join(root, `.deleted-${randomUUID().replaceAll('-', '')}-1`);
    await mkdir(path.join(leftover, 'inside'), { recursive: true });
    expect(await ids(open())).toEqual([]);
    await until(async () => (await readdir(root)).length === 0);
  });

  it('does not list damaged conversations, logs each once, and lists the rest', async () => {
    const good = await stored('2026-01-05');
    const breakages: Record<string, (file: string, text: string) => Promise<void>> = {
      cut: (file, text) => writeFile(file, text.slice(0, -2)),
      empty: (file) => writeFile(file, ''),
      zeros: (file, text) => writeFile(file, Buffer.alloc(text.length)),
      'of another conversation': (file, text) => writeFile(file, text.replace(/[0-9a-f]{8}-/, '00000000-')),
      'without a field': (file, text) => writeFile(file, text.replace('"updated_at"', '"changed"')),
      'a folder': async (file) => {
        await rm(file);
        await mkdir(file);
      },
      missing: async (file) => {
        await rm(file);
        await writeFile(path.join(path.dirname(file), 'events.jsonl'), '{}\n');
      },
    };
    const broken = [];
    for (const breakIt of Object.values(breakages)) {
      const { metadata } = await stored('2026-01-01');
      await breakIt(metadataFile(metadata.id), await readFile(metadataFile(metadata.id), 'utf8'));
      broken.push(metadata.id);
    }
    const later = await stored('2026-01-06');
    const fresh = open();
    expect(await ids(fresh)).toEqual([good.metadata.id, later.metadata.id]);
    await writeFile(metadataFile(later.metadata.id), '[]');
    for (const id of [...broken, later.metadata.id]) {
      await expect(fresh.load(id)).rejects.toBeInstanceOf(DamagedConversationError);
      expect(await fresh.has(id)).toBe(true);
    }
    expect(await ids(fresh)).toEqual([good.metadata.id]);
    const messages = errors.mock.calls.map(([message]) => message);
    expect(messages).toHaveLength(broken.length + 1);
    for (const id of broken) expect(messages.filter((message) => message.includes(id))).toHaveLength(1);
  });

  it('ignores other folders and conversations whose creation was interrupted', async () => {
    await mkdir(path.join(root, 'something'));
    await mkdir(folderOf(randomUUID()));
    await writeFile(path.join(root, 'file'), '');
    expect(await ids(open())).toEqual([]);
    expect(errors).not.toHaveBeenCalled();
  });

  describe('after a power cut during a creation', () => {
    const firstOf = (id: string): string => path.join(folderOf(id), 'metadata.json.first');

    it('has the conversation if its first metadata are complete, and renames them with the next save', async () => {
      const { metadata, fence } = await stored('2026-01-01');
      await rename(metadataFile(metadata.id), firstOf(metadata.id));
      const fresh = open();
      expect(await ids(fresh)).toEqual([metadata.id]);
      expect(await fresh.load(metadata.id)).toEqual(metadata);
      expect(await open().has(metadata.id)).toBe(true);
      await fresh.save({ ...metadata, title: 'later' }, fence);
      expect(await readdir(folderOf(metadata.id))).toEqual(['metadata.json']);
      expect(await open().load(metadata.id)).toMatchObject({ title: 'later' });
      expect(errors).not.toHaveBeenCalled();
    });

    it.each([
      ['empty', () => ''],
      ['cut', (text: string) => text.slice(0, -2)],
      ['of zeros', (text: string) => '\0'.repeat(text.length)],
    ])('has no conversation if they are %s, and can create another one with the id', async (_how, broken) => {
      const { metadata, fence } = await stored('2026-01-01');
      await writeFile(firstOf(metadata.id), broken(await readFile(metadataFile(metadata.id), 'utf8')));
      await rm(metadataFile(metadata.id));
      const fresh = open();
      expect(await ids(fresh)).toEqual([]);
      expect(await fresh.has(metadata.id)).toBe(false);
      await fresh.save({ ...metadata, title: 'again' }, fence);
      expect(await readdir(folderOf(metadata.id))).toEqual(['metadata.json']);
      expect(await open().load(metadata.id)).toMatchObject({ title: 'again' });
      expect(errors).not.toHaveBeenCalled();
    });
  });

  it('reads metadata in any order of keys and of any size', async () => {
    const large = { ...newMetadata('2026-01-01'), text: 'ä'.repeat(50_000) };
    const turned = Object.fromEntries(Object.entries(newMetadata('2026-01-02')).reverse());
    for (const metadata of [large, turned]) {
      const file = metadataFile(String(metadata.id));
      await mkdir(path.dirname(file));
      await writeFile(file, JSON.stringify(metadata));
    }
    expect(await ids(open())).toEqual([large.id, turned['id']]);
  });

  it('is empty without a folder, and rejects ids that are not UUIDs', async () => {
    const nowhere = new FileCatalogue({ conversationsPath: path.join(root, 'none'), leaseTtlSeconds: 0 });
    expect(await list(nowhere)).toEqual([]);
    expect(() => folderOf('../../etc')).toThrow(RangeError);
  });

  it('reads no more than a few megabytes of what somebody else writes', async () => {
    const { metadata, fence } = await stored('2026-01-01');
    await catalogue.save({ ...metadata, filling: 'x'.repeat(9 * 1024 * 1024) }, fence);
    const foreign = new FileCatalogue(
      { conversationsPath: root, leaseTtlSeconds: 0 },
      { ownerOf: (id) => (id === metadata.id ? null : undefined) },
    );
    await expect(foreign.load(metadata.id)).rejects.toThrow(DamagedConversationError);
    expect(await foreign.loadMany([metadata.id])).toEqual([undefined]);
    expect(await open().load(metadata.id)).toMatchObject({ id: metadata.id });
  });
});

function newMetadata(createdAt: string): StoredMetadata {
  const created_at = `${createdAt}T00:00:00.000000Z`;
  return {
    id: randomUUID(),
    created_at,
    updated_at: created_at,
    execution_status: 'idle',
    parent_conversation_id: null,
    owner_key: null,
    title: 'ä"\n',
    nested: { id: 1 },
  };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}
