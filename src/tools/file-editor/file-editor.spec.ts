import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { plainText } from '../../events/index.js';
import { FileEditor, type EditorRequest } from './file-editor.js';

let root: string;
let workspace: string;
let editor: FileEditor;

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'file-editor-'));
  workspace = path.join(root, 'w');
  await mkdir(workspace);
  editor = new FileEditor(workspace, path.join(root, 'history'));
});

afterEach(() => rm(root, { recursive: true }));

const at = (name: string): string => path.join(workspace, name);
const put = (name: string, content: string | Buffer): Promise<void> => writeFile(at(name), content);
const bytes = (name: string): Promise<Buffer> => readFile(at(name));
const text = async (name: string): Promise<string> => (await bytes(name)).toString('utf8');

async function run(command: EditorRequest['command'], name: string, rest: Partial<EditorRequest> = {}) {
  const result = await editor.run({ command, path: at(name), ...rest });
  return { ...result, text: plainText(result.content).replaceAll(workspace, '/w') };
}

const replace = (name: string, old_str: string, new_str: string) =>
  run('str_replace', name, { old_str, new_str });

describe('FileEditor and line ends', () => {
  it('keeps CRLF in every edit and shows it to models as \\n', async () => {
    await put('a.txt', 'one\r\ntwo\r\nthree\r\n');
    const result = await replace('a.txt', 'one\ntwo', '1\n2');
    expect(result.old_content).toBe('one\ntwo\nthree\n');
    expect(result.new_content).toBe('1\n2\nthree\n');
    expect(await text('a.txt')).toBe('1\r\n2\r\nthree\r\n');
    await run('insert', 'a.txt', { insert_line: 1, new_str: 'new' });
    expect(await text('a.txt')).toBe('1\r\nnew\r\n2\r\nthree\r\n');
    await run('undo_edit', 'a.txt');
    await run('undo_edit', 'a.txt');
    expect(await text('a.txt')).toBe('one\r\ntwo\r\nthree\r\n');
  });

  it('keeps the line ends of untouched lines in a mixed file', async () => {
    await put('a.txt', 'one\r\ntwo\nthree\rfour\n');
    await replace('a.txt', 'two', '2\n2b');
    expect(await text('a.txt')).toBe('one\r\n2\n2b\nthree\rfour\n');
  });

  it('inserts a separate line behind a last line without a line end', async () => {
    await put('a.txt', 'one\ntwo');
    const result = await run('insert', 'a.txt', { insert_line: 2, new_str: 'three' });
    expect(result.new_content).toBe('one\ntwo\nthree\n');
    expect(result.text).toContain('     2\ttwo\n     3\tthree\n');
  });
});

describe('FileEditor and encodings', () => {
  it.each([
    [
      'UTF-16 little endian',
      Buffer.from('\ufeffhällo\n', 'utf16le'),
      Buffer.from('\ufeffHÄLLO ✓\n', 'utf16le'),
    ],
    [
      'UTF-16 big endian',
      Buffer.from('\ufeffhällo\n', 'utf16le').swap16(),
      Buffer.from('\ufeffHÄLLO ✓\n', 'utf16le').swap16(),
    ],
    ['UTF-8 with a mark', Buffer.from('\ufeffhällo\n'), Buffer.from('\ufeffHÄLLO ✓\n')],
    ['UTF-8', Buffer.from('hällo\n'), Buffer.from('HÄLLO ✓\n')],
  ])('keeps the encoding %s', async (_name, before, after) => {
    await put('a.txt', before);
    const result = await replace('a.txt', 'hällo', 'HÄLLO ✓');
    expect(result.old_content).toBe('hällo\n');
    expect(await bytes('a.txt')).toEqual(after);
    await run('undo_edit', 'a.txt');
    expect(await bytes('a.txt')).toEqual(before);
  });

  it('keeps every unedited byte of a Latin-1 file', async () => {
    await put('a.txt', Buffer.from('caf\xe9 cr\xe8me \x80\n', 'latin1'));
    expect((await run('view', 'a.txt')).text).toContain('café crème');
    await replace('a.txt', 'caf', 'CAF');
    expect(await bytes('a.txt')).toEqual(Buffer.from('CAF\xe9 cr\xe8me \x80\n', 'latin1'));
  });

  it('converts Latin-1 to UTF-8 if the new text requires it', async () => {
    await put('a.txt', Buffer.from('caf\xe9\n', 'latin1'));
    await replace('a.txt', 'caf', '✓');
    expect(await text('a.txt')).toBe('✓é\n');
    await run('undo_edit', 'a.txt');
    expect(await bytes('a.txt')).toEqual(Buffer.from('caf\xe9\n', 'latin1'));
  });

  it.each([
    ['a zero byte', Buffer.from('abc\0def')],
    ['control characters', Buffer.from([1, 2, 3, 4, 5, 97, 98, 99])],
    ['half a UTF-16 character', Buffer.from([0xff, 0xfe, 0x41])],
  ])('refuses a binary file: %s', async (_name, content) => {
    await put('a.bin', content);
    const refusal = `File validation failed for ${at('a.bin')}: File appears to be binary and this file type cannot be`;
    await expect(run('view', 'a.bin')).rejects.toThrow(refusal);
    await expect(replace('a.bin', 'a', 'b')).rejects.toThrow(refusal);
    expect(await bytes('a.bin')).toEqual(content);
  });

  it('accepts text with colour codes', async () => {
    await put('a.log', '\u001b[31mred\u001b[0m\n');
    expect((await run('view', 'a.log')).text).toContain('\u001b[31mred');
  });
});

describe('FileEditor and file metadata', () => {
  it('keeps mode and owner', async () => {
    await put('run.sh', '#!/bin/sh\necho hi\n');
    await chmod(at('run.sh'), 0o751);
    const before = await stat(at('run.sh'));
    await replace('run.sh', 'echo', 'printf');
    const after = await stat(at('run.sh'));
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
  });

  it('edits the target of a symbolic link', async () => {
    await put('target.txt', 'one\n');
    await symlink('target.txt', at('link.txt'));
    await replace('link.txt', 'one', 'two');
    expect((await lstat(at('link.txt'))).isSymbolicLink()).toBe(true);
    expect(await text('target.txt')).toBe('two\n');
    // The file and its link share one history.
    await run('undo_edit', 'target.txt');
    expect(await text('link.txt')).toBe('one\n');
  });

  it('leaves other hard links with the earlier content', async () => {
    await put('a.txt', 'one\n');
    await link(at('a.txt'), at('b.txt'));
    await replace('a.txt', 'one', 'two');
    expect(await text('b.txt')).toBe('one\n');
  });

  it('creates files with the default mode', async () => {
    await run('create', 'new.txt', { file_text: 'x' });
    await put('usual.txt', 'x');
    expect((await stat(at('new.txt'))).mode).toBe((await stat(at('usual.txt'))).mode);
  });

  it('leaves no temporary file, even after a failed write', async () => {
    await run('create', 'a.txt', { file_text: 'x' });
    await expect(run('create', 'a.txt/b', { file_text: 'x' })).rejects.toThrow('[Errno 20] Not a directory');
    expect(await readdir(workspace)).toEqual(['a.txt']);
  });
});

describe('undo_edit', () => {
  it('undo_edit can undo the last ten edits', async () => {
    await put('n.txt', '0\n');
    for (let n = 0; n < 13; n += 1) await replace('n.txt', String(n), String(n + 1));
    for (let n = 12; n >= 3; n -= 1) {
      expect((await run('undo_edit', 'n.txt')).new_content).toBe(`${n}\n`);
    }
    await expect(run('undo_edit', 'n.txt')).rejects.toThrow('No edit history found for');
  });

  it('works after a restart', async () => {
    await put('a.txt', 'one\n');
    await replace('a.txt', 'one', 'two');
    editor = new FileEditor(workspace, path.join(root, 'history'));
    await run('undo_edit', 'a.txt');
    expect(await text('a.txt')).toBe('one\n');
  });

  it('restores the created content and reports the content it replaced', async () => {
    await run('create', 'a.txt', { file_text: 'one\n' });
    await put('a.txt', 'changed by somebody else\n');
    const result = await run('undo_edit', 'a.txt');
    expect([result.old_content, result.new_content]).toEqual(['changed by somebody else\n', 'one\n']);
    await expect(run('undo_edit', 'a.txt')).rejects.toThrow('No edit history found for');
  });
});

describe('view', () => {
  it('keeps correct line numbers behind a cut', async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `this is line ${index + 1}`);
    await put('many.txt', `${lines.join('\n')}\n`);
    const shown = (await run('view', 'many.txt')).text.split('\n').slice(1, -1);
    expect(shown.filter((line) => line.includes('<response clipped><NOTE>'))).toHaveLength(1);
    for (const line of shown.filter((candidate) => !candidate.includes('clipped'))) {
      const [number = '', content] = line.split('\t');
      expect(content).toBe(`this is line ${number.trim()}`);
    }
    // 16,000 characters without line numbers, as in the original.
    expect(shown.map((line) => line.slice(line.indexOf('\t') + 1)).join('\n')).toHaveLength(15_999);
    const part = (await run('view', 'many.txt', { view_range: [100, 2900] })).text.split('\n').slice(1, -1);
    expect(part.at(-1)).toBe('  2900\tthis is line 2900');
  });

  it('cuts a single long line', async () => {
    await put('long.txt', `${'😀'.repeat(10_000)}\nend\n`);
    const shown = (await run('view', 'long.txt')).text;
    // There is no lone surrogate.
    expect(shown).not.toMatch(/\p{Surrogate}/u);
    expect(shown.endsWith('\n     2\tend\n')).toBe(true);
  });

  it('lists a directory sorted, follows links and omits hidden entries', async () => {
    await mkdir(at('sub/c/d'), { recursive: true });
    await mkdir(at('.hidden'));
    await Promise.all(
      ['sub/b', 'sub/a', 'sub/.x', 'sub.txt', 'sub-x', 'B', '.env'].map((name) => put(name, '')),
    );
    await symlink('sub', at('link'));
    await symlink('nowhere', at('dangling'));
    expect((await run('view', '')).text).toBe(
      "Here's the files and directories up to 2 levels deep in /w, excluding hidden items:\n" +
        [
          '',
          'B',
          'dangling',
          'link/',
          'link/a',
          'link/b',
          'link/c/',
          'sub/',
          'sub/a',
          'sub/b',
          'sub/c/',
          'sub-x',
          'sub.txt',
        ]
          .map((name) => `/w/${name}`)
          .join('\n') +
        "\n\n2 hidden files/directories in this directory are excluded. You can use 'ls -la /w' to see them.",
    );
    await mkdir(at('empty'));
    expect((await run('view', 'empty')).text).toMatch(/excluding hidden items:\n\/w\/empty\/$/);
  });

  it('truncates the listing of a huge directory', async () => {
    await mkdir(at('big'));
    for (let n = 0; n < 2100; n += 1) await put(`big/${n}`, '');
    expect((await run('view', 'big')).text).toMatch(/\n\n101 more entries are not shown\.$/);
  });

  it('refuses more than 10 MB', async () => {
    await put('big.txt', '0123456789abcdef\n'.repeat(700_000));
    await expect(run('view', 'big.txt')).rejects.toThrow(
      'File is too large (11.3MB). Maximum allowed size is 10MB.',
    );
  });

  it.each([
    ['', '', "Here's the result of running `cat -n` on /w/f:\n"],
    ['only a line end', '\n', "Here's the result of running `cat -n` on /w/f:\n     1\t\n"],
    ['no line end', 'one\ntwo', "Here's the result of running `cat -n` on /w/f:\n     1\tone\n     2\ttwo\n"],
    [
      'odd separators',
      'a\vb\fc\u2028d\n',
      "Here's the result of running `cat -n` on /w/f:\n     1\ta\vb\fc\u2028d\n",
    ],
  ])('shows a file with %s', async (_name, content, shown) => {
    await put('f', content);
    expect((await run('view', 'f')).text).toBe(shown);
  });

  it.each([
    [[1], 'It should be a list of two integers.'],
    [[1, 2, 3], 'It should be a list of two integers.'],
    [[3, 3], 'Its first element `3` should be within the range of lines of the file: [1, 2].'],
    [[1, -2], 'Its second element `-2` should be greater than or equal to the first element `1`.'],
  ])('refuses the range %j', async (range, hint) => {
    await put('f', 'one\ntwo');
    const parameter = `[${range.join(', ')}]`;
    await expect(run('view', 'f', { view_range: range })).rejects.toThrow(
      `Invalid \`view_range\` parameter: ${parameter}. ${hint}`,
    );
  });
});

describe('str_replace', () => {
  it('falls back to the trimmed text but keeps white space of the replacement', async () => {
    await put('f', 'a\none\nb\n');
    expect((await replace('f', ' one ', ' X ')).new_content).toBe('a\n X \nb\n');
    await expect(replace('f', ' zzz ', 'q')).rejects.toThrow('old_str `zzz` did not appear verbatim');
    await expect(replace('f', '   ', 'q')).rejects.toThrow('old_str `   ` did not appear verbatim');
  });

  it('accepts an empty old_str only for an empty file', async () => {
    await put('f', '');
    expect((await replace('f', '', 'b')).new_content).toBe('b');
    await put('f', 'a\nb\n');
    await expect(replace('f', '', 'q')).rejects.toThrow(
      'Multiple occurrences of old_str `` in lines [1, 2, 3].',
    );
  });

  it('lists each line once and a limited number of lines', async () => {
    await put('f', 'x x\ny\nx\n');
    await expect(replace('f', 'x', 'q')).rejects.toThrow(
      'Multiple occurrences of old_str `x` in lines [1, 3].',
    );
    await put('f', 'x\n'.repeat(1000));
    await expect(replace('f', 'x', 'q')).rejects.toThrow(/, 100, \.\.\.\]\./);
  });

  it.each([
    ['line10', 'LINE10', [7, 14]],
    ['line3\nline4', 'L3\nL3b\nL4', [1, 9]],
    ['line6\n', '', [3, 10]],
    ['line29', 'last\nlast2\n', [26, 31]],
  ])('replaces %j by %j and shows the lines %j', async (old, replacement, [first, last]) => {
    await put('f', Array.from({ length: 29 }, (_, index) => `line${index + 1}\n`).join(''));
    const numbers = [...(await replace('f', old, replacement)).text.matchAll(/^ *(\d+)\t/gm)].map(([, n]) =>
      Number(n),
    );
    expect([numbers[0], numbers.at(-1)]).toEqual([first, last]);
  });

  it('shows no snippet if the file becomes empty', async () => {
    await put('f', 'one\n');
    expect((await replace('f', 'one\n', '')).text).toBe(
      "The file /w/f has been edited. Here's the result of running `cat -n` on a snippet of /w/f:\n" +
        'Review the changes and make sure they are as expected. Edit the file again if necessary.',
    );
  });
});

describe('FileEditor and paths', () => {
  it.each([
    ['', 'Invalid `path` parameter: .. The path should be an absolute path. Maybe you meant /w?'],
    ['./f', 'Invalid `path` parameter: f. The path should be an absolute path. Maybe you meant /w/f?'],
    ['nope', 'Invalid `path` parameter: nope. The path should be an absolute path.'],
    [
      '/nope/x/',
      'Invalid `path` parameter: /nope/x. The path /nope/x does not exist. Please provide a valid path.',
    ],
  ])('refuses the path %j', async (given, message) => {
    await put('f', '');
    const refused = editor.run({ command: 'view', path: given }).then(
      () => 'not refused',
      (error: unknown) => String(error),
    );
    expect((await refused).replaceAll(workspace, '/w')).toBe(`FileToolError: ${message}`);
  });

  it('normalises the shown path but keeps `..`', async () => {
    await mkdir(at('d'));
    await put('f', 'x\n');
    const result = await editor.run({ command: 'view', path: `/${workspace}//d/./../f/` });
    expect(result.path).toBe(`${workspace}/d/../f`);
  });
});
