import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { plainText, type Observation } from '../../events/index.js';
import type { ToolDefinition } from '../tool.js';
import { editDefinition } from './edit-tool.js';
import { listDirectoryDefinition } from './list-directory-tool.js';
import { readFileDefinition } from './read-file-tool.js';
import { writeFileDefinition } from './write-file-tool.js';

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'plain-files-')));
  await mkdir(path.join(folder, 'sub'));
  await writeFile(path.join(folder, 'a.py'), '# a.py\nneedle\nline3\n');
});
afterEach(() => rm(folder, { recursive: true }));

const invocation = (definition: ToolDefinition, args: Record<string, unknown>) => {
  const host = { conversationId: 'c', workingDir: folder, folder: path.join(folder, 'c'), shownFolder: 'c' };
  return definition.create(host, {}).prepare(args);
};
const run = (definition: ToolDefinition, args: Record<string, unknown>): Promise<Observation> =>
  invocation(definition, args).execute({ signal: new AbortController().signal });
/** The text of an observation, with `<folder>` for the workspace. */
const textOf = (observation: Observation): string =>
  plainText(observation.content).replaceAll(folder, '<folder>');

describe('read_file', () => {
  const read = (args: Record<string, unknown>) => run(readFileDefinition, args);

  it('returns numbered lines as the original does', async () => {
    const observation = await read({ file_path: 'a.py' });
    expect(textOf(observation)).toBe(
      'Read file: <folder>/a.py\n\n     1  # a.py\n     2  needle\n     3  line3\n',
    );
    expect(observation).toMatchObject({
      is_error: false,
      file_path: `${folder}/a.py`,
      file_content: '     1  # a.py\n     2  needle\n     3  line3\n',
      is_truncated: false,
      total_lines: 3,
      kind: 'ReadFileObservation',
    });
    expect(observation).not.toHaveProperty('lines_shown');
  });

  it('returns a page and how to continue', async () => {
    const observation = await read({ file_path: path.join(folder, 'a.py'), offset: 1, limit: 1 });
    expect(textOf(observation)).toBe(
      'Read file: <folder>/a.py (showing lines 2-2 of 3) To read more, use: ' +
        "read_file(file_path='<folder>/a.py', offset=2, limit=1)\n\n     2  needle\n",
    );
    expect(observation).toMatchObject({ is_truncated: true, lines_shown: [2, 2], total_lines: 3 });
    expect(await read({ file_path: 'a.py', offset: 1, limit: 9 })).toMatchObject({ is_truncated: false });
  });

  it('limits the length of its result', async () => {
    await writeFile(path.join(folder, 'many'), 'x\n'.repeat(3000));
    expect(await read({ file_path: 'many' })).toMatchObject({ lines_shown: [1, 1000], total_lines: 3000 });
    await writeFile(path.join(folder, 'wide'), `${'y'.repeat(30_000)}\n`.repeat(3));
    expect(await read({ file_path: 'wide' })).toMatchObject({ lines_shown: [1, 1], is_truncated: true });
    await writeFile(path.join(folder, 'one'), 'z'.repeat(200_000));
    expect(textOf(await read({ file_path: 'one' })).length).toBeLessThan(51_000);
    await writeFile(path.join(folder, 'none'), '');
    expect(await read({ file_path: 'none' })).toMatchObject({ file_content: '', total_lines: 0 });
  });

  it('reports errors of the file system', async () => {
    expect(textOf(await read({ file_path: 'no' }))).toBe('Error: File not found: <folder>/no');
    expect(textOf(await read({ file_path: 'sub' }))).toBe(
      'Error: Path is a directory, not a file: <folder>/sub',
    );
    expect(await read({ file_path: 'a.py', offset: 99 })).toMatchObject({
      content: [{ text: 'Error: Offset 99 is beyond file length (3 lines)' }],
      is_error: true,
      file_path: `${folder}/a.py`,
      file_content: '',
      is_truncated: false,
    });
    await writeFile(path.join(folder, 'binary'), Buffer.from([0, 1, 2]));
    expect(textOf(await read({ file_path: 'binary' }))).toContain('appears to be binary');
  });
});

describe('write_file', () => {
  const write = (args: Record<string, unknown>) => run(writeFileDefinition, args);

  it('creates a file with its folders and replaces an existing one', async () => {
    const file = path.join(folder, 'new/deep/x.sh');
    expect(await write({ file_path: 'new/deep/x.sh', content: 'one\n' })).toEqual({
      content: [{ cache_prompt: false, type: 'text', text: `Created file: ${file}` }],
      is_error: false,
      file_path: file,
      is_new_file: true,
      new_content: 'one\n',
      kind: 'WriteFileObservation',
    });
    await chmod(file, 0o755);
    const replaced = await write({ file_path: file, content: 'two' });
    expect(textOf(replaced)).toBe('Updated file: <folder>/new/deep/x.sh');
    expect(replaced).toMatchObject({ is_new_file: false, old_content: 'one\n', new_content: 'two' });
    expect([await readFile(file, 'utf8'), (await stat(file)).mode & 0o777]).toEqual(['two', 0o755]);
  });

  it('reports errors of the file system', async () => {
    expect(textOf(await write({ file_path: 'sub', content: '' }))).toContain('Error: Path is a directory');
    const below = await write({ file_path: 'a.py/b', content: '' });
    expect(below).toMatchObject({ is_error: true, is_new_file: false });
    expect(textOf(below)).toContain('while trying to write to <folder>/a.py/b');
  });
});

describe('edit', () => {
  const edit = (args: Record<string, unknown>) => run(editDefinition, { expected_replacements: 1, ...args });

  it('replaces the expected number of occurrences and keeps line ends', async () => {
    const file = path.join(folder, 'a.py');
    expect(await edit({ file_path: 'a.py', old_string: 'needle', new_string: 'pin' })).toEqual({
      content: [
        { cache_prompt: false, type: 'text', text: `Successfully edited ${file} (1 replacement(s))` },
      ],
      is_error: false,
      file_path: file,
      is_new_file: false,
      replacements_made: 1,
      old_content: '# a.py\nneedle\nline3\n',
      new_content: '# a.py\npin\nline3\n',
      kind: 'EditObservation',
    });
    await writeFile(file, 'x\r\ny\r\nx\r\n');
    const twice = { old_string: 'x\n', new_string: 'a\nb\n', expected_replacements: 2 };
    expect(await edit({ file_path: 'a.py', ...twice })).toMatchObject({ replacements_made: 2 });
    expect(await readFile(file, 'utf8')).toBe('a\r\nb\r\ny\r\na\r\nb\r\n');
  });

  it('creates a file if old_string is empty', async () => {
    const first = await edit({ file_path: 'd/n.txt', old_string: '', new_string: 'hey' });
    expect(textOf(first)).toBe('Created new file: <folder>/d/n.txt');
    expect(first).toMatchObject({ is_new_file: true, replacements_made: 1, new_content: 'hey' });
    expect(textOf(await edit({ file_path: 'd/n.txt', old_string: '', new_string: 'ho' }))).toBe(
      'Error: Cannot create file that already exists: <folder>/d/n.txt. Use write_file to overwrite or provide ' +
        'non-empty old_string.',
    );
    expect(await readFile(path.join(folder, 'd/n.txt'), 'utf8')).toBe('hey');
  });

  it.each([
    [
      { old_string: 'no' },
      'Error: Could not find the string to replace. 0 occurrences found in <folder>/a.py.',
    ],
    [{ old_string: 'e' }, 'Error: Expected 1 occurrence but found 4 in <folder>/a.py.'],
    [{ old_string: 'e', expected_replacements: 3 }, 'Error: Expected 3 occurrences but found 4 in'],
    [
      { old_string: 'x', file_path: 'no' },
      "Error: File not found: <folder>/no. To create a new file, use old_string=''.",
    ],
    [{ old_string: 'x', file_path: 'sub' }, 'Error: Path is a directory, not a file: <folder>/sub'],
    [{ old_string: 'y' }, 'Error: No changes to apply. old_string and new_string are identical.'],
  ])('refuses %j and changes nothing', async (args, text) => {
    const observation = await edit({ file_path: 'a.py', new_string: 'y', ...args });
    expect(textOf(observation)).toContain(text);
    expect(observation).toMatchObject({ is_error: true, replacements_made: 0, is_new_file: false });
    expect(await readFile(path.join(folder, 'a.py'), 'utf8')).toBe('# a.py\nneedle\nline3\n');
  });

  it('locks the resolved file', () => {
    const touches = (file_path: string) => invocation(editDefinition, { file_path }).touches();
    expect(touches('./sub/../a.py')).toEqual([{ kind: 'file', key: path.join(folder, 'a.py') }]);
    expect(touches(path.join(folder, 'a.py'))).toEqual(touches('a.py'));
  });
});

describe('list_directory', () => {
  const list = (args: Record<string, unknown>) => run(listDirectoryDefinition, { dir_path: '.', ...args });

  it('lists entries for clients and the model', async () => {
    await writeFile(path.join(folder, 'sub/.hidden'), 'xyz');
    await symlink('nowhere', path.join(folder, 'dangling'));
    const observation = await list({ recursive: true });
    expect(textOf(observation)).toMatch(
      /^Listed directory: <folder> \(4 entries\)\na\.py \(20 bytes\)\ndangling \(\d+ bytes\)\nsub\/\nsub\/\.hidden \(3 bytes\)$/,
    );
    expect(observation).toMatchObject({
      dir_path: folder,
      entries: [
        { name: 'a.py', path: `${folder}/a.py`, is_directory: false, size: 20 },
        { name: 'dangling' },
        { name: 'sub', is_directory: true, size: 0 },
        { name: '.hidden', path: `${folder}/sub/.hidden`, size: 3 },
      ],
      total_count: 4,
      is_truncated: false,
    });
    expect(JSON.stringify(observation)).toMatch(/"modified_time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"/);
    expect(await list({ dir_path: 'sub' })).toMatchObject({ total_count: 1 });
  });

  it('returns at most 500 entries', async () => {
    const names = Array.from({ length: 501 }, (_, index) => path.join(folder, 'sub', String(index)));
    await Promise.all(names.map((name) => writeFile(name, '')));
    const observation = await list({ dir_path: 'sub' });
    expect(observation).toMatchObject({ is_truncated: true, total_count: 500 });
    expect(textOf(observation)).toContain('(500 entries, truncated to 500)');
  });

  it('reports errors of the file system', async () => {
    expect(textOf(await list({ dir_path: 'no' }))).toBe('Error: Directory not found: <folder>/no');
    const file = await list({ dir_path: 'a.py' });
    expect(textOf(file)).toBe('Error: Path is not a directory: <folder>/a.py');
    expect(file).toMatchObject({ is_error: true, entries: [], total_count: 0, is_truncated: false });
  });
});
