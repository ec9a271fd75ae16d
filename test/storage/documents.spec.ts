import fc from 'fast-check';
import {
  DamagedDocumentError,
  DocumentTooLargeError,
  type Documents,
  type DocumentWriter,
} from '../../src/storage/index.js';
import { databaseStorage, fileStorage, type SharedStorage } from '../support/document-stores.js';
import { describeWithDatabase } from '../support/postgres.js';

/** `npm run test:faults` takes more. */
const RUNS = Number(process.env['FAULT_ROUNDS'] ?? 4);
const CHANGES = 4 * RUNS;

describe('documents in files', () => behavesAsDocuments(fileStorage));
describeWithDatabase('documents in PostgreSQL', () => behavesAsDocuments(databaseStorage));

function behavesAsDocuments(start: () => Promise<SharedStorage>): void {
  let storage: SharedStorage;
  let here: Documents;
  let there: Documents;
  beforeEach(async () => {
    storage = await start();
    here = storage.open().documents;
    there = storage.open().documents;
  });
  afterEach(() => storage.close());

  const write = (name: string, value: Record<string, unknown>): Promise<void> =>
    here.change((writer) => writer.write(name, value));

  it('are missing at first', async () => {
    expect(await here.read('settings.json')).toBeUndefined();
    expect(await here.readText('settings.json')).toBeUndefined();
    expect(await here.names('profiles')).toEqual([]);
    expect(await here.list()).toEqual([]);
  });

  it('are read by another server as soon as they are written', async () => {
    const value = { z: 1, a: { '10': 'ten', '9': 'nine' }, text: 'ä \u0000 \ud83d\ude00', none: null };
    await write('settings.json', value);
    expect(await there.read('settings.json')).toEqual(value);
    expect(Object.keys((await there.read('settings.json')) ?? {})).toEqual(Object.keys(value));
    await there.change((writer) => writer.write('settings.json', { next: true }));
    expect(await here.read('settings.json')).toEqual({ next: true });
    await here.change((writer) => writer.remove('settings.json'));
    expect(await there.read('settings.json')).toBeUndefined();
    await here.change((writer) => writer.remove('settings.json'));
  });

  it('have the names of one folder, sorted', async () => {
    for (const name of ['profiles/b', 'profiles/B', 'profiles/a.b', 'agent-profiles/c', 'settings'])
      await write(`${name}.json`, {});
    await storage.put('profiles/c.json.old', '{}');
    expect(await there.names('profiles')).toEqual(['B', 'a.b', 'b']);
    expect(await there.names('agent-profiles')).toEqual(['c']);
    expect(await there.names('')).toEqual(['settings']);
    expect(await there.names('profile')).toEqual([]);
  });

  it('are read together in one list', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `profiles/p${index}.json`);
    await here.change(async (writer) => {
      for (const name of names) await writer.write(name, { name });
    });
    expect(await Promise.all([...names, 'profiles/none.json'].map((name) => there.read(name)))).toEqual([
      ...names.map((name) => ({ name })),
      undefined,
    ]);
  });

  it('show a change what it has written so far', async () => {
    await write('profiles/a.json', { v: 1 });
    await here.change(async (writer) => {
      await writer.write('profiles/b.json', { v: 2 });
      await writer.remove('profiles/a.json');
      expect(await here.read('profiles/a.json')).toBeUndefined();
      expect(await here.read('profiles/b.json')).toEqual({ v: 2 });
      expect(await here.names('profiles')).toEqual(['b']);
    });
    expect(await there.names('profiles')).toEqual(['b']);
  });

  it('pass on the error of a change and take the next one', async () => {
    await write('settings.json', { v: 1 });
    const failed = here.change(() => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    await there.change((writer) => writer.write('settings.json', { v: 2 }));
    expect(await here.read('settings.json')).toEqual({ v: 2 });
  });

  it('are reported as damaged when they are no JSON object, and can be set aside', async () => {
    for (const [name, text] of [
      ['a', '{"key": "sk-secret"'],
      ['b', '[1]'],
      ['c', ''],
      ['d', '"text"'],
    ] as const)
      await storage.put(`profiles/${name}.json`, text);
    for (const name of ['a', 'b', 'c', 'd']) {
      const error: unknown = await here.read(`profiles/${name}.json`).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DamagedDocumentError);
      expect(String(error)).not.toContain('sk-secret');
    }
    expect(await here.readText('profiles/a.json')).toBe('{"key": "sk-secret"');
    await here.change((writer) => writer.setAside('profiles/a.json'));
    expect(await there.read('profiles/a.json')).toBeUndefined();
    const [aside = ''] = (await there.list()).filter((name) => name.includes('.damaged-'));
    expect(aside).toMatch(/^profiles\/a\.json\.damaged-\d+$/);
    expect(await there.readText(aside)).toBe('{"key": "sk-secret"');
  });

  it('are refused above 8 MiB, in bytes, and nothing is changed', async () => {
    await write('settings.json', { v: 1 });
    const half = 'ä'.repeat(4 * 1024 * 1024);
    await expect(write('settings.json', { half })).rejects.toBeInstanceOf(DocumentTooLargeError);
    const raw = there.change((writer) => writer.writeText('settings.json', half + half));
    await expect(raw).rejects.toBeInstanceOf(DocumentTooLargeError);
    expect(await there.read('settings.json')).toEqual({ v: 1 });
    const large = { text: 'x'.repeat(8 * 1024 * 1024 - 100) };
    await write('settings.json', large);
    expect(await there.read('settings.json')).toEqual(large);
  });

  it('are copied as they are, whatever they are', async () => {
    const texts: [string, string][] = [
      ['profiles/broken.json', '{"a": '],
      ['secrets.json', '{ "b":\n\t[1, 2.50, "\\u0000"] }\n'],
      ['settings.json', '{"a":1,"a":2}'],
    ];
    await here.change(async (writer) => {
      for (const [name, text] of texts) await writer.writeText(name, text);
    });
    await storage.put('config.json', '{"of": "another program"}');
    await storage.put('auth/openai_oauth.json', '{"of": "another program"}');
    expect(await there.list()).toEqual(texts.map(([name]) => name));
    for (const [name, text] of texts) expect(await there.readText(name)).toBe(text);
  });

  it('lose no change when two servers change them at once', async () => {
    const add = (documents: Documents) => documents.change((writer) => increment(documents, writer));
    await Promise.all(Array.from({ length: CHANGES }, (_, index) => add(index % 2 === 0 ? here : there)));
    expect(await here.read('settings.json')).toEqual({ count: CHANGES });
  });

  it('end as if all changes had been made one after another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(randomChange, { minLength: 2, maxLength: 25 }), async (changes) => {
        await here.change(async (writer) => {
          for (const name of [ORDER, ...NAMES]) await writer.remove(name);
        });
        const stores = [here, there];
        await Promise.all(
          changes.map(async (change, id) => {
            const documents = stores[change.store] ?? here;
            const applied = documents.change((writer) => apply(documents, writer, change, id));
            await applied.catch((error: unknown) => {
              if (!(error instanceof Refusal)) throw error;
            });
          }),
        );
        const { ids = [] } = (await there.read(ORDER)) ?? {};
        const state = new Map<string, unknown>();
        for (const id of ids as number[]) replay(state, changes[id], id);
        const found = await Promise.all(NAMES.map((name) => there.read(name)));
        expect(found).toEqual(NAMES.map((name) => state.get(name)));
        const made = changes.flatMap(({ isRefused }, id) => (isRefused ? [] : [id]));
        expect([...(ids as number[])].sort((a, b) => a - b)).toEqual(made);
      }),
      { numRuns: RUNS },
    );
  });
}

async function increment(documents: Documents, writer: DocumentWriter): Promise<void> {
  const { count = 0 } = (await documents.read('settings.json')) ?? {};
  await writer.write('settings.json', { count: Number(count) + 1 });
}

const ORDER = 'settings.json';
const NAMES = ['profiles/a.json', 'profiles/b.json', 'secrets.json'];

/** A change that a test refuses before it writes. */
class Refusal extends Error {}

interface RandomChange {
  /** The server that makes it. */
  store: number;
  from: string;
  to: string;
  kind: 'append' | 'copy' | 'remove';
  isRefused: boolean;
}

const randomChange: fc.Arbitrary<RandomChange> = fc.record({
  store: fc.nat({ max: 1 }),
  from: fc.constantFrom(...NAMES),
  to: fc.constantFrom(...NAMES),
  kind: fc.constantFrom('append' as const, 'copy' as const, 'remove' as const),
  isRefused: fc.boolean(),
});

async function apply(
  documents: Documents,
  writer: DocumentWriter,
  { from, to, kind, isRefused }: RandomChange,
  id: number,
): Promise<void> {
  const value = (await documents.read(from)) ?? {};
  if (isRefused) throw new Refusal();
  const { ids = [] } = (await documents.read(ORDER)) ?? {};
  if (kind === 'append') await writer.write(to, { ...value, [`by${id}`]: id });
  if (kind === 'copy') await writer.write(to, value);
  if (kind === 'remove') await writer.remove(from);
  await writer.write(ORDER, { ids: [...(ids as number[]), id] });
}

/** What `apply` does, to a map. */
function replay(state: Map<string, unknown>, change: RandomChange | undefined, id: number): void {
  if (!change) throw new Error(`there is no change ${id}`);
  const { from, to, kind } = change;
  const value = state.get(from) ?? {};
  if (kind === 'append') state.set(to, { ...value, [`by${id}`]: id });
  if (kind === 'copy') state.set(to, value);
  if (kind === 'remove') state.delete(from);
}
