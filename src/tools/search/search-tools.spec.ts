import { mkdir, mkdtemp, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Observation } from '../../events/index.js';
import type { ToolDefinition } from '../tool.js';
import { globDefinition } from './glob-tool.js';
import { grepDefinition } from './grep-tool.js';

let folder: string;

/** Creates files with the given ages in minutes. */
async function write(files: Record<string, number>): Promise<void> {
  for (const [name, age] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `# ${name}\nneedle\n`);
    const time = new Date(Date.UTC(2026, 0, 1) - age * 60_000);
    await utimes(file, time, time);
  }
}

beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'search-')));
  await mkdir(path.join(folder, '.git'));
  await write({
    'a.py': 3,
    'b.txt': 1,
    'sub/c.py': 2,
    'sub/d.ts': 4,
    '.hid/e.py': 0,
    '.env': 0,
    'out/f.py': 0,
  });
  await writeFile(path.join(folder, '.gitignore'), 'out/\n*.log\n');
  await write({ 'x.log': 0, '.git/config.py': 0 });
});

afterAll(() => rm(folder, { recursive: true }));

function call(
  definition: ToolDefinition,
  args: Record<string, unknown>,
  signal = new AbortController().signal,
): Promise<Observation> {
  const host = { conversationId: 'c', workingDir: folder, folder: path.join(folder, 'c'), shownFolder: 'c' };
  return definition.create(host, {}).prepare(args).execute({ signal });
}

const names = (observation: Observation): string[] =>
  [observation['files'] ?? observation['matches']].flat().map((file) => path.relative(folder, String(file)));

describe('glob', () => {
  const glob = (args: Record<string, unknown>) => call(globDefinition, args);

  it('answers as the original does, newest files first', async () => {
    expect(await glob({ pattern: '**/*.py' })).toEqual({
      content: [
        {
          cache_prompt: false,
          type: 'text',
          text: `Found 2 file(s) matching pattern '**/*.py' in '${folder}':\n${folder}/sub/c.py\n${folder}/a.py`,
        },
      ],
      is_error: false,
      files: [`${folder}/sub/c.py`, `${folder}/a.py`],
      pattern: '**/*.py',
      search_path: folder,
      truncated: false,
      kind: 'GlobObservation',
    });
    expect(await glob({ pattern: '*.zz' })).toMatchObject({
      content: [{ text: `No files found matching pattern '*.zz' in directory '${folder}'` }],
      is_error: false,
      files: [],
    });
    expect(await glob({ pattern: '*', path: '/nonexist' })).toMatchObject({
      content: [{ text: "Search path '/nonexist' is not a valid directory" }],
      is_error: true,
      search_path: '/nonexist',
    });
  });

  it('omits hidden and ignored files unless the pattern names them', async () => {
    expect(names(await glob({ pattern: '*' })).sort()).toEqual(['a.py', 'b.txt', 'sub/c.py', 'sub/d.ts']);
    expect(names(await glob({ pattern: '.hid/*' }))).toEqual(['.hid/e.py']);
    expect(names(await glob({ pattern: '.env*' }))).toEqual(['.env']);
    expect(names(await glob({ pattern: 'out/*.py' }))).toEqual(['out/f.py']);
    expect(names(await glob({ pattern: '**/.*' })).sort()).toEqual(['.env', '.gitignore']);
  });

  it('accepts relative and absolute paths', async () => {
    expect(names(await glob({ pattern: '*', path: 'sub' }))).toEqual(['sub/c.py', 'sub/d.ts']);
    expect(names(await glob({ pattern: `${folder}/sub/*.{ts,js}` }))).toEqual(['sub/d.ts']);
    expect(names(await glob({ pattern: 'c.py' }))).toEqual(['sub/c.py']);
    expect(names(await glob({ pattern: 'sub/c.py' }))).toEqual(['sub/c.py']);
    expect(names(await glob({ pattern: 'nowhere/*.py' }))).toEqual([]);
  });

  it('returns at most 100 files', async () => {
    await write(Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`many/${index}.many`, index])));
    const observation = await glob({ pattern: '*.many' });
    expect(names(observation)).toHaveLength(100);
    expect(names(observation)[0]).toBe('many/0.many');
    expect(observation['truncated']).toBe(true);
    expect(JSON.stringify(observation.content)).toContain('truncated to the first 100');
    await rm(path.join(folder, 'many/100.many'));
    expect((await glob({ pattern: '*.many' }))['truncated']).toBe(false);
  });

  it('rejects with the reason of its signal', async () => {
    const reason = new Error('interrupted');
    await expect(call(globDefinition, { pattern: '*' }, AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const search = call(globDefinition, { pattern: '**/*.none', path: '/' }, abort.signal);
    setTimeout(() => abort.abort(reason), 20);
    await expect(search).rejects.toBe(reason);
  });
});

describe('grep', () => {
  const grep = (args: Record<string, unknown>) => call(grepDefinition, args);

  it('answers as the original does, newest files first', async () => {
    expect(await grep({ pattern: 'NEEDLE', include: '*.py' })).toEqual({
      content: [
        {
          cache_prompt: false,
          type: 'text',
          text:
            `Found 2 file(s) containing pattern 'NEEDLE' in '${folder}' (filtered by '*.py'):\n` +
            `${folder}/sub/c.py\n${folder}/a.py`,
        },
      ],
      is_error: false,
      matches: [`${folder}/sub/c.py`, `${folder}/a.py`],
      pattern: 'NEEDLE',
      search_path: folder,
      include_pattern: '*.py',
      truncated: false,
      kind: 'GrepObservation',
    });
    const missing = await grep({ pattern: 'zzz' });
    expect(missing).toMatchObject({
      content: [{ text: `No files found containing pattern 'zzz' in directory '${folder}'` }],
      is_error: false,
    });
    expect(missing).not.toHaveProperty('include_pattern');
  });

  it('filters by names and by paths', async () => {
    expect(names(await grep({ pattern: 'needle', include: '*.{ts,js}' }))).toEqual(['sub/d.ts']);
    expect(names(await grep({ pattern: 'needle', include: 'sub/**/*.py' }))).toEqual(['sub/c.py']);
    expect(names(await grep({ pattern: 'needle', include: '*' }))).not.toContain('out/f.py');
    expect(names(await grep({ pattern: '-needle|^# sub/d', path: 'sub' }))).toEqual(['sub/d.ts']);
    expect(names(await grep({ pattern: 'nee(?=dle)', include: '*.ts' }))).toEqual(['sub/d.ts']);
  });

  it('reports an invalid expression or path', async () => {
    const broken = await grep({ pattern: '[' });
    expect(broken).toMatchObject({ is_error: true, matches: [], truncated: false });
    expect(JSON.stringify(broken.content)).toContain('Invalid regex pattern: ');
    const file = await grep({ pattern: 'a', path: 'a.py' });
    expect(file).toMatchObject({ is_error: true });
    expect(JSON.stringify(file.content)).toContain('is not a valid directory');
  });
});
