import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  CheckpointWorkspace,
  inStore,
  restore,
  stepsOf,
} from '../../../test/support/checkpoint-workspace.js';
import { errorCode } from '../../errors/index.js';

let work: CheckpointWorkspace;
const log = (): string => path.join(work.root, 'checkpoints', 'steps.jsonl');

beforeEach(() => {
  work = new CheckpointWorkspace();
});
afterEach(() => {
  work.remove();
  expect(work.failures).toEqual([]);
});

describe('CheckpointStore', () => {
  it('keeps what files were before a step that is still open when the oldest steps are dropped', async () => {
    const recorder = work.open({ maxBytes: 300_000 });
    fs.writeFileSync(work.at('slow'), 'before');
    const slow = await work.begin(recorder, ['slow']);
    for (let n = 0; n < 30; n += 1) {
      const noise = randomBytes(30_000);
      await work.step(recorder, () => fs.writeFileSync(work.at('a'), noise), ['a']);
    }
    expect(await inStore(recorder, (store) => store.log.dropped)).toBeGreaterThan(10);
    fs.writeFileSync(work.at('slow'), 'after');
    // A crash at this moment.
    const again = work.open({ maxBytes: 300_000 });
    expect((await stepsOf(again)).at(-1)).toMatchObject({ eventId: slow, changes: [{ path: 'slow' }] });
    const step = (await stepsOf(again)).at(-1)?.number ?? 0;
    expect(await restore(again, { step, mode: 'only' })).toEqual({ conflicts: [], failed: [] });
    expect(fs.readFileSync(work.at('slow'), 'utf8')).toBe('before');
  });

  it('removes lines of steps that have changed nothing', async () => {
    const recorder = work.open();
    await work.step(recorder, () => fs.writeFileSync(work.at('a'), '1'), ['a']);
    for (let n = 0; n < 400; n += 1) await work.step(recorder, () => undefined, ['a']);
    expect(fs.statSync(log()).size).toBeLessThan(70_000);
    expect(await stepsOf(work.open())).toMatchObject([{ number: 1 }]);
  });

  it('drops contents that no step needs before it drops a step', async () => {
    const limits = { maxBytes: 400_000 };
    for (let n = 0; n < 5; n += 1) fs.writeFileSync(work.at(`kept${n}`), randomBytes(18_000));
    let recorder = work.open(limits);
    for (let n = 0; n < 4; n += 1) {
      // Each run keeps what has no other copy before its first command.
      await recorder.prepare(true);
      const noise = randomBytes(30_000);
      await work.step(recorder, () => fs.writeFileSync(work.at('a'), noise), ['a']);
      for (let file = 0; file < 5; file += 1) fs.writeFileSync(work.at(`kept${file}`), randomBytes(18_000));
      await recorder.settle();
      recorder = n % 2 === 0 ? recorder : work.open(limits);
    }
    expect(await inStore(recorder, (store) => store.log.dropped)).toBe(0);
    expect(await stepsOf(recorder)).toHaveLength(4);
  });

  it('reads past lines that are damaged or come from elsewhere', async () => {
    const recorder = work.open();
    await work.step(recorder, () => fs.writeFileSync(work.at('a'), '1'), ['a']);
    const end = { t: 'step', eventId: 'x', tool: 't', startedAt: '', endedAt: '', incomplete: [] };
    const version = { kind: 'file', size: 1, mode: 420, hash: '../../../etc/passwd' };
    const files = [{ path: 'b', from: null, to: null }];
    const scope = { step: 1, mode: 'since', paths: null };
    const lines = [
      { t: 'step' },
      { ...end, number: 2 },
      { ...end, number: -1, changes: [] },
      { ...end, number: 2, changes: [{ path: 'b', before: version, after: null }] },
      { ...end, number: 2, changes: [{ path: 1, before: null, after: null }] },
      { t: 'begin', eventId: 'x', tool: 't', startedAt: '', files: 'all' },
      { t: 'restore', scope, messageId: 'm', startedAt: '', mark: '../../up', files },
      { t: 'dropped', number: 'x' },
      null,
    ];
    fs.appendFileSync(log(), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n\0\0\0{\n`);
    const again = work.open();
    expect(await stepsOf(again)).toMatchObject([{ number: 1, changes: [{ path: 'a' }] }]);
    await work.step(again, () => fs.writeFileSync(work.at('a'), '2'), ['a']);
    expect((await stepsOf(work.open())).map(({ number }) => number)).toEqual([1, 2]);
  });

  it('writes nothing outside of the workspace for a log from elsewhere', async () => {
    const recorder = work.open();
    await work.step(recorder, () => fs.writeFileSync(work.at('a'), 'text'), ['a']);
    await work.step(recorder, () => fs.writeFileSync(work.at('a'), 'more'), ['a']);
    const names = ['../up', '/up', 'x/../../up', '.git/hooks/up', 'a\0b', 'n'.repeat(300), ''];
    const text = fs.readFileSync(log(), 'utf8');
    for (const name of names)
      fs.writeFileSync(log(), text.replaceAll('"path":"a"', `"path":${JSON.stringify(name)}`), { flag: 'a' });
    const before = fs.readdirSync(work.root);
    const again = work.open();
    const { conflicts } = await restore(again, { step: 2 }, true);
    expect(conflicts).toEqual([{ path: names[5], reason: 'unreadable', step: null, canForce: false }]);
    expect(fs.readdirSync(work.root)).toEqual(before);
    expect(fs.readdirSync(work.folder)).toEqual(['a']);
  });

  it('never waits for a pipe and writes through no link in the place of its files', async () => {
    const recorder = work.open();
    await work.step(recorder, () => fs.writeFileSync(work.at('a'), '1'), ['a']);
    const outside = path.join(work.root, 'outside');
    fs.writeFileSync(outside, '');
    fs.rmSync(log());
    fs.symlinkSync(outside, log());
    await work.step(recorder, () => fs.writeFileSync(work.at('a'), '2'), ['a']);
    fs.rmSync(log());
    execFileSync('mkfifo', [log()]);
    await work.step(recorder, () => fs.writeFileSync(work.at('a'), '3'), ['a']);
    await expect(stepsOf(work.open())).rejects.toThrow('is not a plain file');
    expect(fs.readFileSync(outside, 'utf8')).toBe('');
    expect(work.failures.splice(0).map((error) => errorCode(error))).toEqual([
      ...['ELOOP', 'ELOOP', 'ENXIO', 'ENXIO'],
    ]);
  });
});
