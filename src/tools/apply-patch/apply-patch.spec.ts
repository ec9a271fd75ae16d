import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { plainText, type Observation } from '../../events/index.js';
import { SourceText } from '../text-files/source-text.js';
import { applyHunks } from './apply-hunks.js';
import { applyPatchDefinition } from './apply-patch-tool.js';
import { parsePatch } from './parse-patch.js';

let outside: string;
let folder: string;
beforeEach(async () => {
  outside = await realpath(await mkdtemp(path.join(os.tmpdir(), 'apply-patch-')));
  folder = path.join(outside, 'work');
  await mkdir(path.join(folder, 'sub'), { recursive: true });
  await writeFile(path.join(folder, 'a.py'), 'a\nx\nb\n');
});
afterEach(() => rm(outside, { recursive: true }));

const invocation = (patch: string) => {
  const host = { conversationId: 'c', workingDir: folder, folder: path.join(folder, 'c'), shownFolder: 'c' };
  return applyPatchDefinition.create(host, {}).prepare({ patch });
};
const apply = (body: string): Promise<Observation> =>
  invocation(`*** Begin Patch\n${body}\n*** End Patch`).execute({ signal: new AbortController().signal });
const text = (name: string): Promise<string> => readFile(path.join(folder, name), 'utf8');

describe('apply_patch', () => {
  it('answers as the original does', async () => {
    expect(await apply('*** Add File: n.txt\n+hello\n*** Update File: a.py\n@@\n a\n-x\n+y')).toEqual({
      content: [{ cache_prompt: false, type: 'text', text: 'Done!' }],
      is_error: false,
      message: 'Done!',
      fuzz: 0,
      commit: {
        changes: {
          'n.txt': { type: 'add', new_content: 'hello' },
          'a.py': { type: 'update', old_content: 'a\nx\nb\n', new_content: 'a\ny\nb\n', move_path: '' },
        },
      },
      kind: 'ApplyPatchObservation',
    });
    expect([await text('n.txt'), await text('a.py')]).toEqual(['hello', 'a\ny\nb\n']);
    expect(await apply('*** Delete File: a.py')).toMatchObject({
      commit: { changes: { 'a.py': { type: 'delete', old_content: 'a\ny\nb\n' } } },
    });
    expect(await readdir(folder)).toEqual(['n.txt', 'sub']);
  });

  it('moves files with their mode and creates missing folders', async () => {
    await chmod(path.join(folder, 'a.py'), 0o755);
    const moved = await apply('*** Update File: a.py\n*** Move to: new/b.py\n@@\n x\n+z');
    expect(moved).toMatchObject({ commit: { changes: { 'a.py': { move_path: 'new/b.py' } } } });
    expect(await text('new/b.py')).toBe('a\nx\nz\nb\n');
    expect((await stat(path.join(folder, 'new/b.py'))).mode & 0o777).toBe(0o755);
    expect(await readdir(folder)).toEqual(['new', 'sub']);
  });

  it.each([
    ['*** Update File: a.py\n@@\n-zzz\n+y', 'Invalid Context 0:\nzzz'],
    ['*** Bogus: k.txt', 'Unknown Line: *** Bogus: k.txt'],
    ['*** Add File: bad.txt\nno plus', 'Invalid Add File Line: no plus'],
    ['*** Update File: a.py\nfoo', 'Invalid Line: foo'],
    ['*** Update File: no.txt\n@@\n-x', 'Update File Error: Missing File: no.txt'],
    ['*** Delete File: no.txt', 'Delete File Error: Missing File: no.txt'],
    ['*** Delete File: sub', 'Path is a directory: sub'],
    ['*** Delete File: a.py\n*** Delete File: a.py', 'Duplicate Path: a.py'],
    ['*** Update File: a.py\n*** Move to: sub\n@@\n-x', 'Move Error: File exists: sub'],
    ['*** Add File: ../x\n+x', 'Absolute or escaping paths are not allowed'],
    ['*** Add File: /etc/x\n+x', 'Absolute or escaping paths are not allowed'],
    ['*** Update File: a.py\n*** Move to: ../x\n@@\n-x', 'Absolute or escaping paths are not allowed'],
    ['*** Add File: a.py/x\n+x', 'while trying to write to'],
  ])('refuses %j and changes nothing', async (body, message) => {
    const observation = await apply(`*** Add File: first.txt\n+x\n${body}`);
    expect(observation).toMatchObject({ is_error: true, message: '', fuzz: 0 });
    expect(observation).not.toHaveProperty('commit');
    expect(plainText(observation.content)).toContain(message);
    expect([await readdir(folder), await text('a.py')]).toEqual([['a.py', 'sub'], 'a\nx\nb\n']);
  });

  it('refuses symbolic links that lead out of the workspace', async () => {
    await symlink(outside, path.join(folder, 'link'));
    await writeFile(path.join(outside, 'secret'), 's\n');
    await symlink(path.join(outside, 'secret'), path.join(folder, 'file'));
    for (const body of [
      '*** Add File: link/x\n+x',
      '*** Update File: file\n@@\n-s',
      '*** Add File: link/new/x\n+x',
    ]) {
      expect(plainText((await apply(body)).content)).toBe('Absolute or escaping paths are not allowed');
    }
    expect(await readdir(outside)).toEqual(['secret', 'work']);
  });

  it('accepts absolute paths in the workspace and locks the resolved files', async () => {
    const body = `*** Update File: ${folder}/a.py\n@@\n-x\n+y`;
    expect(invocation(`${body}\n*** Add File: sub/../q\n`).touches()).toEqual([
      { kind: 'file', key: path.join(folder, 'a.py') },
      { kind: 'file', key: path.join(folder, 'q') },
    ]);
    expect(await apply(body)).toMatchObject({ is_error: false });
  });

  it('refuses a text that is not a patch', async () => {
    const run = async (patch: string) =>
      plainText((await invocation(patch).execute({ signal: new AbortController().signal })).content);
    expect(await run('garbage')).toBe("Invalid patch: must start with '*** Begin Patch'");
    expect(await run('*** Begin Patch\n*** Add File: q\n+x')).toContain('Invalid patch text');
    expect(await run('\n*** Begin Patch\n*** Add File: q\n+x\n*** End Patch\n')).toBe('Done!');
  });
});

describe('applyHunks', () => {
  const patched = (before: string, hunks: string): [string, number] => {
    const [patch] = parsePatch(`*** Begin Patch\n*** Update File: f\n${hunks}\n*** End Patch`);
    if (patch?.type !== 'update') throw new Error('no update');
    const work = applyHunks(new SourceText(before), patch.hunks);
    for (;;) {
      const part = work.next();
      if (part.done) return [part.value.edited.raw, part.value.fuzz];
    }
  };

  it.each([
    ['space at line ends', 'one  \ntwo\n', '@@\n one\n-two\n+2', 'one  \n2\n', 1],
    ['space around lines', 'one  \n two\n', '@@\n one\n-two\n+2', 'one  \n2\n', 100],
    ['an anchor', 'f:\n x\ng:\n x\n', '@@ g:\n- x\n+ y', 'f:\n x\ng:\n y\n', 0],
    ['an anchor that is not there', 'k\n', '@@ class No\n-k\n+l', 'l\n', 0],
    ['several hunks', 'a\nb\nc\nd\n', '@@\n-a\n+A\n@@\n-d\n+D', 'A\nb\nc\nD\n', 0],
    ['the end', 'x\ny\nx\n', '@@\n x\n+z\n*** End of File', 'x\ny\nx\nz\n', 0],
    ['not quite the end', 'x\ny\n', '@@\n-x\n*** End of File', 'y\n', 10_000],
    ['no newline at the end', 'p\nq', '@@\n p\n-q\n+r', 'p\nr', 0],
    ['a last line that goes', 'p\nq', '@@\n-q', 'p', 0],
    ['lines behind the last one', 'p\nq', '@@\n q\n+r', 'p\nq\nr', 0],
    ['other line ends', 'a\r\nb\r\n', '@@\n a\n-b\n+c\n+d', 'a\r\nc\r\nd\r\n', 0],
    ['an empty line without its space', 'a\n\nb\n', '@@\n a\n\n-b\n+c', 'a\n\nc\n', 0],
    ['only new lines', 'a\n', '@@\n+b', 'b\na\n', 0],
  ])('applies hunks despite differences: %s', (_name, before, hunks, after, fuzz) => {
    expect(patched(before, hunks)).toEqual([after, fuzz]);
  });

  it('takes time proportional to the number of lines', () => {
    const started = performance.now();
    const hunk = `@@\n${' x\n'.repeat(10_000)}-y`;
    expect(() => patched('x\n'.repeat(40_000), hunk)).toThrow(/^Invalid Context 0/);
    expect(patched(`${'x\n'.repeat(40_000)}y`, hunk)[0]).toBe('x\n'.repeat(40_000).slice(0, -1));
    const hunks = '@@ x\n@@\n-x'.repeat(1) + '\n@@\n- z'.repeat(8_000);
    expect(() => patched('x\nz\n'.repeat(20_000) + 'w\n'.repeat(40_000), hunks)).not.toThrow();
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  it('can turn any text into any other', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', ' c', ''), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const hunk = [...before.map((line) => `-${line}`), ...after.map((line) => `+${line}`)].join('\n');
        expect(patched(before.join('\n'), `@@\n${hunk}`)).toEqual([after.join('\n'), 0]);
      }),
    );
  });
});
