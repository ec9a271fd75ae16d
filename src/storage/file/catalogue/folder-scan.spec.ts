import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as nextTick } from 'node:timers/promises';
import type { CatalogueEntry } from '../../index.js';
import { FileCatalogue } from './file-catalogue.js';
import { formatMetadata } from './metadata-file.js';
import { MetadataFiles } from './metadata-files.js';

/** So many that a summary is written when a catalogue is closed. */
const COUNT = 220;
/** Before now, so that the files' times are settled. */
const PAST = new Date('2026-01-01T00:00:00.123Z');

describe('the summary of a catalogue', () => {
  let root: string;
  let ids: string[];
  const summary = (): string => path.join(root, '.catalogue/summary');
  const metadata = (id: string): string => path.join(root, id.replaceAll('-', ''), 'metadata.json');

  const store = async (id: string, status: string): Promise<void> => {
    await mkdir(path.dirname(metadata(id)), { recursive: true });
    const at = '2026-01-01T00:00:00.000000Z';
    const entry = {
      id,
      created_at: at,
      updated_at: at,
      execution_status: status,
      parent_conversation_id: null,
      owner_key: null,
    };
    await writeFile(metadata(id), formatMetadata({ ...entry, title: 'one' }));
  };
  /** Lists the conversations as a server does that is started and ended. */
  const listAnew = async (): Promise<CatalogueEntry[]> => {
    const catalogue = new FileCatalogue({ conversationsPath: root, leaseTtlSeconds: 0 });
    const found = await catalogue.page({ order: 'CREATED_AT', limit: 10 * COUNT });
    await catalogue.onApplicationShutdown();
    return found;
  };

  beforeAll(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'scan-'));
    ids = Array.from({ length: COUNT }, () => randomUUID()).sort();
    for (const id of ids) {
      await store(id, 'idle');
      await utimes(metadata(id), PAST, PAST);
    }
    // The time of the last change cannot be set: until it is settled nothing is summarised.
    const files = new MetadataFiles(root);
    while (ids.some((id) => files.stampOf(id) === undefined)) await nextTick();
    await listAnew();
    expect(await readFile(summary(), 'utf8')).toMatch(new RegExp(`\nend ${COUNT}\n$`));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('is used: metadata that have not changed are not read again', async () => {
    const text = await readFile(summary(), 'utf8');
    await writeFile(summary(), text.replace(/\tidle\t/g, '\tfrom the summary\t'));
    expect(new Set((await listAnew()).map((entry) => entry.execution_status))).toEqual(
      new Set(['from the summary']),
    );
    await writeFile(summary(), text);
  });

  it('does not hide what others have changed, added and removed', async () => {
    const [changed = '', removed = '', ...rest] = ids;
    const added = randomUUID();
    await store(changed, 'paused');
    await store(added, 'finished');
    await rm(path.dirname(metadata(removed)), { recursive: true });
    const found = new Map((await listAnew()).map((entry) => [entry.id, entry.execution_status]));
    expect(found.size).toBe(COUNT);
    expect([found.get(changed), found.get(added), found.get(removed)]).toEqual([
      'paused',
      'finished',
      undefined,
    ]);
    expect(rest.every((id) => found.get(id) === 'idle')).toBe(true);
    await rm(path.dirname(metadata(added)), { recursive: true });
    await store(changed, 'idle');
    await store(removed, 'idle');
  });

  it('is ignored where it is cut off, of another format or full of something else', async () => {
    const text = await readFile(summary(), 'utf8');
    const broken = [
      '',
      text.slice(0, text.indexOf('\n')),
      text.slice(0, text.length / 2),
      text.slice(0, -1),
      `${text}more\n`,
      text.replace('catalogue 2', 'catalogue 3'),
      text.replace(/\t/g, ' '),
      text.replace(/end \d+/, 'end 7'),
      '\0'.repeat(text.length),
    ];
    for (const content of broken) {
      await writeFile(summary(), content.replace(/\tidle\t/g, '\twrong\t'));
      expect(new Set((await listAnew()).map((entry) => entry.execution_status))).toEqual(new Set(['idle']));
    }
    await truncate(summary());
    expect(await listAnew()).toHaveLength(COUNT);
  });
});
