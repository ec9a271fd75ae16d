import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  changedFiles,
  CheckpointWorkspace,
  restore,
  stepsOf,
} from '../../test/support/checkpoint-workspace.js';

let work: CheckpointWorkspace;

beforeEach(() => {
  work = new CheckpointWorkspace();
});
afterEach(() => {
  work.remove();
  expect(work.failures).toEqual([]);
});

const at = (...names: string[]): string => work.at(...names);

describe('CheckpointRecorder', () => {
  it('keeps the content of tracked files in git, and fetches it when a command has changed them', async () => {
    const committed = randomBytes(3_000).toString('base64');
    fs.writeFileSync(at('tracked'), committed);
    fs.writeFileSync(at('.gitignore'), 'out/\n');
    fs.utimesSync(at('tracked'), 1_000_000_000, 1_000_000_000);
    execFileSync(
      'sh',
      ['-c', 'git init -q . && git add -A && sleep 0.05 && git add -A && git update-index --refresh'],
      { cwd: work.folder },
    );
    fs.mkdirSync(at('out'));
    const recorder = work.open();
    await recorder.prepare(true);
    expect(await recorder.use((store) => Promise.resolve(store.objects.bytes))).toBeLessThan(200);
    await work.step(recorder, () => {
      fs.writeFileSync(at('tracked'), 'changed\n');
      fs.writeFileSync(at('out', 'ignored'), 'x');
    });
    const [only] = await stepsOf(recorder);
    expect(only?.changes.map((change) => change.path)).toEqual(['tracked']);
    expect(await restore(recorder, { step: 1 })).toEqual({ conflicts: [], failed: [] });
    expect(fs.readFileSync(at('tracked'), 'utf8')).toBe(committed);
  });

  it('tells what somebody else has changed from what the agent has', async () => {
    fs.writeFileSync(at('a'), '1');
    const recorder = work.open();
    await work.step(recorder, () => fs.writeFileSync(at('b'), '1'));
    fs.writeFileSync(at('a'), 'by a person');
    await work.age('a');
    await work.step(recorder, () => fs.writeFileSync(at('c'), '1'));
    expect(await changedFiles(recorder)).toEqual([['b'], ['c']]);
    fs.writeFileSync(at('b'), 'by a person');
    const { conflicts } = await restore(recorder, { step: 1 });
    expect(conflicts).toEqual([{ path: 'b', reason: 'changed', step: null, canForce: true }]);
    expect(fs.existsSync(at('c'))).toBe(true);
  });

  it('leaves out what belongs to the server, and does not need a workspace that exists', async () => {
    fs.rmSync(work.folder, { recursive: true });
    const recorder = work.open();
    expect(await stepsOf(recorder)).toEqual([]);
    fs.mkdirSync(at('of-the-server'), { recursive: true });
    await work.step(recorder, () => {
      fs.writeFileSync(at('of-the-server', 'log'), 'x');
      fs.writeFileSync(at('a'), 'x');
    });
    expect(await changedFiles(recorder)).toEqual([['a']]);
  });

  it('undoes one step alone, or one file, and names the later step that stands in the way', async () => {
    const recorder = work.open();
    await work.step(recorder, () => fs.writeFileSync(at('a'), '1'));
    await work.step(recorder, () => {
      fs.writeFileSync(at('a'), '2');
      fs.writeFileSync(at('b'), '2');
    });
    await work.step(recorder, () => fs.writeFileSync(at('b'), '3'), ['b']);
    const { conflicts } = await restore(recorder, { step: 2, mode: 'only' });
    expect(conflicts).toEqual([{ path: 'b', reason: 'later_step', step: 3, canForce: true }]);
    expect(await restore(recorder, { step: 2, mode: 'only', paths: ['a'] })).toEqual({
      conflicts: [],
      failed: [],
    });
    expect(work.tree()).toEqual({
      a: expect.stringMatching(/ 1$/) as unknown,
      b: expect.stringMatching(/ 3$/) as unknown,
    });
  });

  it('never reads or writes through links, other names, pipes or folders in the place of files', async () => {
    const outside = path.join(work.root, 'outside');
    fs.mkdirSync(outside);
    fs.writeFileSync(path.join(outside, 'secret'), 'SECRET');
    fs.mkdirSync(at('folder'));
    for (const name of ['file', 'folder/secret', 'hard', 'pipe', 'dir', 'full'])
      fs.writeFileSync(at(name), 'mine');
    const recorder = work.open();
    await work.step(recorder, () => {
      for (const name of ['file', 'folder/secret', 'hard', 'pipe', 'dir', 'full'])
        fs.writeFileSync(at(name), 'changed');
    });
    // A hostile program puts other things in the place of the files.
    fs.rmSync(at('file'));
    fs.symlinkSync(path.join(outside, 'secret'), at('file'));
    fs.rmSync(at('folder'), { recursive: true });
    fs.symlinkSync(outside, at('folder'));
    fs.rmSync(at('hard'));
    fs.linkSync(path.join(outside, 'secret'), at('hard'));
    fs.rmSync(at('pipe'));
    spawnSync('mkfifo', [at('pipe')]);
    for (const name of ['dir', 'full']) {
      fs.rmSync(at(name));
      fs.mkdirSync(at(name, 'empty'), { recursive: true });
    }
    fs.writeFileSync(at('full', 'empty', 'theirs'), '');
    const refused = await restore(recorder, { step: 1 });
    const result = await restore(recorder, { step: 1 }, true);
    expect(result).toEqual({ ...refused, failed: [] });
    expect(Object.fromEntries(result.conflicts.map(({ path: file, reason }) => [file, reason]))).toEqual({
      file: 'changed',
      'folder/secret': 'not_a_file',
      hard: 'changed',
      pipe: 'not_a_file',
      dir: 'changed',
      full: 'not_a_file',
    });
    expect(fs.readdirSync(outside)).toEqual(['secret']);
    expect(fs.readFileSync(path.join(outside, 'secret'), 'utf8')).toBe('SECRET');
    expect(fs.readFileSync(at('file'), 'utf8')).toBe('mine');
    expect(fs.lstatSync(at('file')).isSymbolicLink()).toBe(false);
    expect(fs.readFileSync(at('hard'), 'utf8')).toBe('mine');
    expect(fs.readFileSync(at('dir'), 'utf8')).toBe('mine');
  });

  it('keeps a link that a file tool removes, and the file that it writes through one', async () => {
    fs.writeFileSync(at('a'), 'text');
    for (const name of ['one', 'two']) fs.symlinkSync('a', at(name));
    fs.symlinkSync('/etc/hostname', at('out'));
    const recorder = work.open();
    await work.step(recorder, () => {
      fs.unlinkSync(at('one'));
      fs.writeFileSync(at('two'), 'through it');
      fs.unlinkSync(at('out'));
    }, ['one', 'two', 'out']);
    const [only] = await stepsOf(recorder);
    expect(only?.changes.map((change) => change.path).sort()).toEqual(['a', 'one', 'out']);
    expect(only?.incomplete).toEqual([{ reason: 'outside', detail: at('out') }]);
    expect(await restore(recorder, { step: 1 })).toEqual({ conflicts: [], failed: [] });
    expect(fs.readlinkSync(at('one'))).toBe('a');
    expect(fs.readlinkSync(at('out'))).toBe('/etc/hostname');
    expect(fs.readFileSync(at('a'), 'utf8')).toBe('text');
  });

  it('keeps the permissions of a folder whose files a restore replaces', async () => {
    fs.mkdirSync(at('closed'), { mode: 0o700 });
    fs.writeFileSync(at('closed', 'old'), 'text');
    const recorder = work.open();
    await work.step(recorder, () => fs.renameSync(at('closed', 'old'), at('closed', 'new')));
    expect(await restore(recorder, { step: 1 })).toEqual({ conflicts: [], failed: [] });
    expect(fs.readdirSync(at('closed'))).toEqual(['old']);
    expect(fs.statSync(at('closed')).mode & 0o777).toBe(0o700);
  });

  it('keeps files of a workspace that a repository around it leaves out', async () => {
    execFileSync('git', ['init', '-q', work.root]);
    fs.writeFileSync(path.join(work.root, '.gitignore'), '*\n');
    const recorder = work.open();
    await work.step(recorder, () => fs.writeFileSync(at('new'), 'text'));
    expect(await changedFiles(recorder)).toEqual([['new']]);
  });

  it('says what it does not keep: large files, files outside, too many of them', async () => {
    const recorder = work.open({ maxFiles: 10 });
    await work.step(recorder, () => fs.writeFileSync(at('big'), Buffer.alloc(200_000)), [
      'big',
      '../outside',
      '.git/config',
    ]);
    const [first] = await stepsOf(recorder);
    expect(first?.changes).toMatchObject([{ path: 'big', after: { hash: null, size: 200_000 } }]);
    expect(first?.incomplete.map(({ reason }) => reason)).toEqual(['outside', 'outside']);
    for (let n = 0; n < 20; n += 1) fs.writeFileSync(at(`f${n}`), '');
    for (let n = 0; n < 3; n += 1) await work.step(recorder, () => fs.writeFileSync(at(`g${n}`), ''));
    expect((await stepsOf(recorder)).slice(1).map(({ incomplete }) => incomplete)).toEqual([
      [{ reason: 'too_many_files', detail: 'more than 10 files' }],
    ]);
  });

  it('drops the oldest steps when there is no room, and never takes more', async () => {
    const recorder = work.open({ maxBytes: 300_000 });
    for (let n = 0; n < 30; n += 1) {
      const noise = randomBytes(30_000);
      await work.step(recorder, () => fs.writeFileSync(at('a'), noise), ['a']);
    }
    const { bytes, dropped, numbers } = await recorder.use((store) =>
      Promise.resolve({
        bytes: store.bytes,
        dropped: store.log.dropped,
        numbers: store.steps.map((one) => one.number),
      }),
    );
    expect(bytes).toBeLessThanOrEqual(300_000);
    expect(dropped).toBeGreaterThan(10);
    expect(numbers.at(-1)).toBe(30);
    expect(await restore(recorder, { step: numbers[0] ?? 0 })).toEqual({ conflicts: [], failed: [] });
    const again = work.open({ maxBytes: 300_000 });
    expect((await stepsOf(again)).map((one) => one.number)).toEqual([...numbers, 31]);
  });

  it('records a step that a crash has cut off, and drops half a line', async () => {
    fs.writeFileSync(at('a'), 'before');
    const recorder = work.open();
    await recorder.begin({ eventId: 'x', tool: 'file_editor', files: [at('a')] });
    fs.writeFileSync(at('a'), 'after');
    fs.appendFileSync(path.join(work.root, 'checkpoints', 'steps.jsonl'), '{"t":"step","numb');
    const again = work.open();
    expect(await stepsOf(again)).toMatchObject([
      { number: 1, eventId: 'x', changes: [{ path: 'a' }], incomplete: [{ reason: 'interrupted' }] },
    ]);
    expect(await restore(again, { step: 1 })).toEqual({ conflicts: [], failed: [] });
    expect(fs.readFileSync(at('a'), 'utf8')).toBe('before');
  });
});
