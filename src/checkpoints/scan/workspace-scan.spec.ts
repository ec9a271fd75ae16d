import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import {
  changedFiles,
  CheckpointWorkspace,
  restore,
  stepsOf,
} from '../../../test/support/checkpoint-workspace.js';
import { turnsOf } from '../../../test/support/count-event-loop-turns.js';

let work: CheckpointWorkspace;
const at = (...names: string[]): string => work.at(...names);

beforeEach(() => {
  work = new CheckpointWorkspace();
});
afterEach(() => {
  work.remove();
  expect(work.failures).toEqual([]);
});

describe('WorkspaceScan', () => {
  it('keeps what somebody else has written between two commands, also in a large workspace', async () => {
    for (let n = 0; n < 2_000; n += 1) fs.writeFileSync(at(`f${n}`), '');
    fs.writeFileSync(at('a'), 'first');
    const recorder = work.open({ maxFiles: 5_000 });
    await work.step(recorder, () => fs.writeFileSync(at('b'), ''));
    fs.writeFileSync(at('a'), 'by a person');
    await work.age('a');
    const command = await work.begin(recorder);
    // The command takes longer than the look at the workspace.
    await recorder.idle();
    fs.writeFileSync(at('a'), 'by the agent');
    await recorder.end(command);
    expect((await changedFiles(recorder)).at(-1)).toEqual(['a']);
    expect(await restore(recorder, { step: 2 })).toEqual({ conflicts: [], failed: [] });
    expect(fs.readFileSync(at('a'), 'utf8')).toBe('by a person');
  });

  it('gives commands that run at the same time all that they change', async () => {
    const recorder = work.open();
    await recorder.prepare(true);
    const first = await work.begin(recorder);
    fs.writeFileSync(at('a'), 'of the first');
    const second = await work.begin(recorder);
    fs.writeFileSync(at('b'), 'of the second');
    await recorder.end(second);
    await recorder.end(first);
    expect((await changedFiles(recorder)).flat().sort()).toEqual(['a', 'b']);
  });

  it('does not take files for deleted that cannot be read any more', async () => {
    fs.mkdirSync(at('closed'));
    fs.writeFileSync(at('closed', 'file'), 'text');
    await withoutRoot(work, async () => {
      const recorder = work.open();
      await work.step(recorder, () => fs.chmodSync(at('closed'), 0));
      await work.step(recorder, () => fs.writeFileSync(at('a'), ''), ['closed/file', 'a']);
      await work.step(recorder, () => fs.writeFileSync(at('b'), ''));
      expect(await stepsOf(recorder)).toMatchObject([
        { changes: [], incomplete: [{ reason: 'unreadable', detail: '"closed"' }] },
        { changes: [{ path: 'a' }], incomplete: [{ reason: 'unreadable' }] },
        { changes: [{ path: 'b' }], incomplete: [] },
      ]);
      fs.chmodSync(at('closed'), 0o700);
      await work.step(recorder, () => fs.rmSync(at('closed', 'file')));
      fs.chmodSync(at('closed'), 0);
      expect((await restore(recorder, { step: 4 })).conflicts).toEqual([
        { path: 'closed/file', reason: 'unreadable', step: null, canForce: false },
      ]);
      fs.chmodSync(at('closed'), 0o500);
      expect((await restore(recorder, { step: 4 })).failed).toMatchObject([{ path: 'closed/file' }]);
      fs.chmodSync(at('closed'), 0o700);
      expect(await restore(recorder, { step: 4 })).toEqual({ conflicts: [], failed: [] });
    });
    expect(fs.readFileSync(at('closed', 'file'), 'utf8')).toBe('text');
  });

  it('leaves the event loop free among many folders and rules', async () => {
    const rules = Array.from({ length: 400 }, (_, n) => `*x${n}*y`).join('\n');
    fs.writeFileSync(at('.gitignore'), rules);
    for (let n = 0; n < 400; n += 1) fs.mkdirSync(at(`d${n}`));
    expect(await turnsOf(work.open().prepare(true))).toBeGreaterThan(10);
  });
});

/** Root may read everything. */
async function withoutRoot({ root }: CheckpointWorkspace, work: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return work();
  execFileSync('chown', ['-R', '65534', root]);
  process.seteuid?.(65534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}
