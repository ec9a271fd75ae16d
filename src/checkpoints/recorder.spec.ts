import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { NO_RULES } from '../files/index.js';
import {
  CheckpointRecorder,
  applyRestore,
  planRestore,
  type Checkpoint,
  type RestoreScope,
} from './index.js';

const LIMITS = { maxBytes: 16 * 1024 * 1024, maxFileBytes: 100_000, maxFiles: 1_000 };

let root: string;
let workspace: string;
let failures: unknown[];

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'checkpoints-')));
  workspace = path.join(root, 'work');
  fs.mkdirSync(workspace);
  failures = [];
});
afterEach(() => {
  fs.rmSync(root, { recursive: true });
  expect(failures).toEqual([]);
});

function open(limits = LIMITS): CheckpointRecorder {
  const place = {
    folder: path.join(root, 'checkpoints'),
    workspace,
    rules: NO_RULES,
    excluded: [at('of-the-server')],
    bounds: () => Promise.resolve(undefined),
    opened: () => Promise.resolve(),
    report: (_what: string, error: unknown) => void failures.push(error),
  };
  return new CheckpointRecorder(place, limits);
}

const at = (...names: string[]): string => path.join(workspace, ...names);
let ids = 0;

async function step(
  recorder: CheckpointRecorder,
  work: () => void,
  files: string[] | null = null,
): Promise<void> {
  const eventId = `e${(ids += 1)}`;
  await recorder.begin({
    eventId,
    tool: files ? 'file_editor' : 'terminal',
    files: files?.map((name) => at(name)) ?? null,
  });
  work();
  await recorder.end(eventId);
}

const steps = (recorder: CheckpointRecorder): Promise<readonly Checkpoint[]> =>
  recorder.use((store) => Promise.resolve([...store.steps]));

async function restore(recorder: CheckpointRecorder, scope: Partial<RestoreScope> & { step: number }) {
  return recorder.use(async (store, tree) => {
    const plan = await planRestore(store, tree, { mode: 'since', paths: null, ...scope });
    if (plan.conflicts.length > 0) return { conflicts: plan.conflicts, failed: [] };
    const { changes, failed } = await applyRestore(store, tree, { files: plan.files, mark: 'test' });
    const now = new Date().toISOString();
    const done = { eventId: `r${(ids += 1)}`, tool: 'restore', startedAt: now, endedAt: now };
    if (changes.length > 0)
      await store.add({ ...done, changes, incomplete: [], restore: { mode: 'since', paths: null, ...scope } });
    return { conflicts: [], failed };
  });
}

/** Files and links with permissions and content; folders only as part of paths. */
function treeOf(folder = workspace, below = ''): Record<string, string> {
  const entries = fs.readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== '.git');
  return Object.assign(
    {},
    ...entries.map((entry) => {
      const file = path.join(folder, entry.name);
      const name = `${below}${entry.name}`;
      if (entry.isDirectory()) return treeOf(file, `${name}/`);
      if (entry.isSymbolicLink()) return { [name]: `-> ${fs.readlinkSync(file)}` };
      return { [name]: `${(fs.statSync(file).mode & 0o777).toString(8)} ${fs.readFileSync(file, 'latin1')}` };
    }),
  ) as Record<string, string>;
}

type Edit = (typeof EDITS)[number];
const EDITS = ['write', 'append', 'remove', 'chmod', 'link', 'rename', 'same', 'binary'] as const;
const NAMES = ['a', 'b', 'd', 'd/a', 'd/e/b', 'c.txt'];

function rm(file: string): void {
  try {
    fs.rmSync(file, { recursive: true, force: true });
  } catch {
    // A part of its path is no folder: it does not exist.
  }
}

/** Makes the folders of a file, in place of whatever else is there. */
function makeFolders(file: string): void {
  for (const [index] of NAMES.entries()) {
    const up = path.join(
      workspace,
      ...path
        .relative(workspace, file)
        .split('/')
        .slice(0, index + 1),
    );
    if (up === file) return;
    if (fs.lstatSync(up, { throwIfNoEntry: false })?.isDirectory() === false) fs.rmSync(up);
    fs.mkdirSync(up, { recursive: true });
  }
}

/** Does an edit as a program would, in whatever is there. */
function apply(edit: Edit, name: string, other: string, value: number): void {
  const file = at(name);
  const clear = (): void => {
    rm(file);
    makeFolders(file);
  };
  const isFile = ((): boolean => {
    try {
      return fs.lstatSync(file).isFile();
    } catch {
      return false;
    }
  })();
  if (edit === 'write') {
    if (!isFile) clear();
    fs.writeFileSync(file, `text ${value}\n`);
  } else if (edit === 'binary') {
    clear();
    fs.writeFileSync(file, Buffer.from([0, 255, value]));
  } else if (edit === 'append' && isFile) fs.appendFileSync(file, `more ${value}\n`);
  else if (edit === 'remove') rm(file);
  else if (edit === 'chmod' && isFile) fs.chmodSync(file, value % 2 === 0 ? 0o755 : 0o600);
  else if (edit === 'link') {
    clear();
    fs.symlinkSync(`/nowhere/${value}`, file);
  } else if (edit === 'rename' && isFile && !other.startsWith(`${name}/`)) {
    const target = at(other);
    if (name.startsWith(`${other}/`)) return;
    rm(target);
    makeFolders(target);
    if (fs.existsSync(file)) fs.renameSync(file, target);
  } else if (edit === 'same' && isFile) fs.writeFileSync(file, fs.readFileSync(file));
}

const edit = fc.tuple(
  fc.constantFrom(...EDITS),
  fc.constantFrom(...NAMES),
  fc.constantFrom(...NAMES),
  fc.nat(9),
);

describe('checkpoints of any edits', () => {
  it.each([true, false])('restore the tree of each step (in a repository: %s)', async (isRepository) => {
    const runs = fc.asyncProperty(
      fc.array(edit, { maxLength: 5 }),
      fc.array(fc.array(edit, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      fc.nat(),
      async (first, all, chosen) => {
        fs.rmSync(root, { recursive: true });
        fs.mkdirSync(workspace, { recursive: true });
        for (const args of first) apply(...args);
        if (isRepository) {
          const git = (...args: string[]) =>
            execFileSync('git', ['-C', workspace, ...args], { stdio: 'ignore' });
          git('init', '-q');
          git('add', '-A');
          git('-c', 'user.name=a', '-c', 'user.email=b', 'commit', '-qm', 'first', '--allow-empty');
        }
        let recorder = open();
        const trees: Record<string, string>[] = [];
        const numbers: number[] = [];
        for (const edits of all) {
          trees.push(treeOf());
          numbers.push((await steps(recorder)).length + 1);
          await step(recorder, () => edits.forEach((args) => apply(...args)));
          // A restart in between changes nothing.
          if (chosen % 3 === 0) {
            await recorder.settle();
            recorder = open();
          }
        }
        const k = chosen % all.length;
        const before = treeOf();
        const result = await restore(recorder, { step: numbers[k] ?? 0 });
        expect(result).toEqual({ conflicts: [], failed: [] });
        expect(treeOf()).toEqual(trees[k]);
        // There and back: the restore is a step itself.
        const last = await steps(recorder);
        if (!last.at(-1)?.restore) return;
        expect(await restore(recorder, { step: last.at(-1)?.number ?? 0, mode: 'only' })).toEqual({
          conflicts: [],
          failed: [],
        });
        expect(treeOf()).toEqual(before);
      },
    );
    const numRuns = Number(process.env['FAULT_ROUNDS'] ?? (isRepository ? 15 : 60));
    await fc.assert(runs, { numRuns });
  });
});

describe('CheckpointRecorder', () => {
  it('keeps the content of tracked files in git, and fetches it when a command has changed them', async () => {
    const committed = randomBytes(3_000).toString('base64');
    fs.writeFileSync(at('tracked'), committed);
    fs.writeFileSync(at('.gitignore'), 'out/\n');
    fs.utimesSync(at('tracked'), 1_000_000_000, 1_000_000_000);
    execFileSync(
      'sh',
      ['-c', 'git init -q . && git add -A && sleep 0.05 && git add -A && git update-index --refresh'],
      { cwd: workspace },
    );
    fs.mkdirSync(at('out'));
    const recorder = open();
    await recorder.prepare(true);
    expect(await recorder.use((store) => Promise.resolve(store.objects.bytes))).toBeLessThan(200);
    await step(recorder, () => {
      fs.writeFileSync(at('tracked'), 'changed\n');
      fs.writeFileSync(at('out', 'ignored'), 'x');
    });
    const [only] = await steps(recorder);
    expect(only?.changes.map((change) => change.path)).toEqual(['tracked']);
    expect(await restore(recorder, { step: 1 })).toEqual({ conflicts: [], failed: [] });
    expect(fs.readFileSync(at('tracked'), 'utf8')).toBe(committed);
  });

  it('tells what somebody else has changed from what the agent has', async () => {
    fs.writeFileSync(at('a'), '1');
    const recorder = open();
    await step(recorder, () => fs.writeFileSync(at('b'), '1'));
    fs.writeFileSync(at('a'), 'by a person');
    await step(recorder, () => fs.writeFileSync(at('c'), '1'));
    expect((await steps(recorder)).map(({ changes }) => changes.map((change) => change.path))).toEqual([
      ['b'],
      ['c'],
    ]);
    fs.writeFileSync(at('b'), 'by a person');
    const { conflicts } = await restore(recorder, { step: 1 });
    expect(conflicts).toEqual([{ path: 'b', reason: 'changed', step: null, canForce: true }]);
    expect(fs.existsSync(at('c'))).toBe(true);
  });

  it('leaves out what belongs to the server, and does not need a workspace that exists', async () => {
    fs.rmSync(workspace, { recursive: true });
    const recorder = open();
    expect(await steps(recorder)).toEqual([]);
    fs.mkdirSync(at('of-the-server'), { recursive: true });
    await step(recorder, () => {
      fs.writeFileSync(at('of-the-server', 'log'), 'x');
      fs.writeFileSync(at('a'), 'x');
    });
    expect((await steps(recorder)).map(({ changes }) => changes.map((change) => change.path))).toEqual([
      ['a'],
    ]);
  });

  it('undoes one step alone, or one file, and names the later step that stands in the way', async () => {
    const recorder = open();
    await step(recorder, () => fs.writeFileSync(at('a'), '1'));
    await step(recorder, () => {
      fs.writeFileSync(at('a'), '2');
      fs.writeFileSync(at('b'), '2');
    });
    await step(recorder, () => fs.writeFileSync(at('b'), '3'), ['b']);
    const { conflicts } = await restore(recorder, { step: 2, mode: 'only' });
    expect(conflicts).toEqual([{ path: 'b', reason: 'later_step', step: 3, canForce: true }]);
    expect(await restore(recorder, { step: 2, mode: 'only', paths: ['a'] })).toEqual({
      conflicts: [],
      failed: [],
    });
    expect(treeOf()).toEqual({
      a: expect.stringMatching(/ 1$/) as unknown,
      b: expect.stringMatching(/ 3$/) as unknown,
    });
  });

  it('never reads or writes through links, other names, pipes or folders in the place of files', async () => {
    const outside = path.join(root, 'outside');
    fs.mkdirSync(outside);
    fs.writeFileSync(path.join(outside, 'secret'), 'SECRET');
    fs.mkdirSync(at('folder'));
    for (const name of ['file', 'folder/secret', 'hard', 'pipe', 'dir', 'full']) fs.writeFileSync(at(name), 'mine');
    const recorder = open();
    await step(recorder, () => {
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
    const scope = { step: 1, mode: 'since' as const, paths: null };
    const result = await recorder.use(async (store, tree) => {
      const { conflicts, files } = await planRestore(store, tree, scope);
      const { failed } = await applyRestore(store, tree, { files, mark: 'test' });
      return { conflicts, failed };
    });
    expect(Object.fromEntries(result.conflicts.map(({ path: file, reason }) => [file, reason]))).toEqual({
      file: 'changed',
      'folder/secret': 'not_a_file',
      hard: 'changed',
      pipe: 'not_a_file',
      dir: 'changed',
      full: 'not_a_file',
    });
    expect(result.failed).toEqual([]);
    expect(fs.readdirSync(outside)).toEqual(['secret']);
    expect(fs.readFileSync(path.join(outside, 'secret'), 'utf8')).toBe('SECRET');
    expect(fs.readFileSync(at('file'), 'utf8')).toBe('mine');
    expect(fs.lstatSync(at('file')).isSymbolicLink()).toBe(false);
    expect(fs.readFileSync(at('hard'), 'utf8')).toBe('mine');
    expect(fs.readFileSync(at('dir'), 'utf8')).toBe('mine');
  });

  it('keeps files of a workspace that a repository around it leaves out', async () => {
    execFileSync('git', ['init', '-q', root]);
    fs.writeFileSync(path.join(root, '.gitignore'), '*\n');
    const recorder = open();
    await step(recorder, () => fs.writeFileSync(at('new'), 'text'));
    expect((await steps(recorder)).map(({ changes }) => changes.map((change) => change.path))).toEqual([
      ['new'],
    ]);
  });

  it('says what it does not keep: large files, files outside, too many of them', async () => {
    const recorder = open({ ...LIMITS, maxFiles: 10 });
    await step(recorder, () => fs.writeFileSync(at('big'), Buffer.alloc(200_000)), [
      'big',
      '../outside',
      '.git/config',
    ]);
    const [first] = await steps(recorder);
    expect(first?.changes).toMatchObject([{ path: 'big', after: { hash: null, size: 200_000 } }]);
    expect(first?.incomplete.map(({ reason }) => reason)).toEqual(['outside', 'outside']);
    for (let n = 0; n < 20; n += 1) fs.writeFileSync(at(`f${n}`), '');
    for (let n = 0; n < 3; n += 1) await step(recorder, () => fs.writeFileSync(at(`g${n}`), ''));
    expect((await steps(recorder)).slice(1).map(({ incomplete }) => incomplete)).toEqual([
      [{ reason: 'too_many_files', detail: 'more than 10 files' }],
    ]);
  });

  it('drops the oldest steps when there is no room, and never takes more', async () => {
    const recorder = open({ ...LIMITS, maxBytes: 300_000 });
    for (let n = 0; n < 30; n += 1) {
      const noise = randomBytes(30_000);
      await step(recorder, () => fs.writeFileSync(at('a'), noise), ['a']);
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
    const again = open({ ...LIMITS, maxBytes: 300_000 });
    expect((await steps(again)).map((one) => one.number)).toEqual([...numbers, 31]);
  });

  it('records a step that a crash has cut off, and drops half a line', async () => {
    fs.writeFileSync(at('a'), 'before');
    const recorder = open();
    await recorder.begin({ eventId: 'x', tool: 'file_editor', files: [at('a')] });
    fs.writeFileSync(at('a'), 'after');
    fs.appendFileSync(path.join(root, 'checkpoints', 'steps.jsonl'), '{"t":"step","numb');
    const again = open();
    expect(await steps(again)).toMatchObject([
      { number: 1, eventId: 'x', changes: [{ path: 'a' }], incomplete: [{ reason: 'interrupted' }] },
    ]);
    expect(await restore(again, { step: 1 })).toEqual({ conflicts: [], failed: [] });
    expect(fs.readFileSync(at('a'), 'utf8')).toBe('before');
  });
});
