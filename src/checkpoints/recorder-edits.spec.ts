import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { CheckpointWorkspace, restore, stepsOf } from '../../test/support/checkpoint-workspace.js';

/** More with `npm run test:faults`. */
const ROUNDS = process.env['FAULT_ROUNDS'];
const TIMEOUT_MS = 120_000 + Number(ROUNDS ?? 0) * 1_000;

let work: CheckpointWorkspace;
const at = (...names: string[]): string => work.at(...names);

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
      work.folder,
      ...path
        .relative(work.folder, file)
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
const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
const move = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('command', 'file tool'), edits }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('restore', 'undo'), to: fc.nat() }) },
);

describe('checkpoints of any edits and restores', () => {
  beforeEach(() => {
    work = new CheckpointWorkspace();
  });
  afterEach(() => {
    work.remove();
    expect(work.failures).toEqual([]);
  });

  it.each([true, false])('restore the tree of each step (in a repository: %s)', restoreEach, TIMEOUT_MS);

  async function restoreEach(isRepository: boolean): Promise<void> {
    const moves = fc.array(move, { minLength: 1, maxLength: 6 });
    const runs = fc.asyncProperty(
      fc.array(edit, { maxLength: 5 }),
      moves,
      fc.nat(),
      async (first, all, to) => {
        fs.rmSync(work.root, { recursive: true });
        fs.mkdirSync(work.folder, { recursive: true });
        for (const args of first) apply(...args);
        if (isRepository) commitAll();
        let recorder = work.open();
        const restores = async (
          scope: { step: number; mode: 'since' | 'only' },
          tree: object | undefined,
        ) => {
          expect(await restore(recorder, scope)).toEqual({ conflicts: [], failed: [] });
          expect(work.tree()).toEqual(tree);
        };
        /** What the workspace was before each step, from 1. */
        const trees: Record<string, string>[] = [{}];
        for (const next of [...all, { kind: 'restore', to } as const]) {
          const before = work.tree();
          const count = trees.length - 1;
          if ('edits' in next) {
            const change = (): void => next.edits.forEach((args) => apply(...args));
            await work.step(recorder, change, next.kind === 'command' ? null : NAMES);
          } else if (next.kind === 'restart') {
            await recorder.settle();
            recorder = work.open();
          } else if (count > 0 && 'to' in next) {
            const step = next.kind === 'undo' ? count : 1 + (next.to % count);
            await restores({ step, mode: next.kind === 'undo' ? 'only' : 'since' }, trees[step]);
          }
          if ((await stepsOf(recorder)).length > count) trees.push(before);
        }
      },
    );
    await fc.assert(runs, { numRuns: Number(ROUNDS ?? (isRepository ? 15 : 60)) });
  }
});

function commitAll(): void {
  const git = (...args: string[]) => execFileSync('git', ['-C', work.folder, ...args], { stdio: 'ignore' });
  git('init', '-q');
  git('add', '-A');
  git('-c', 'user.name=a', '-c', 'user.email=b', 'commit', '-qm', 'first', '--allow-empty');
}
