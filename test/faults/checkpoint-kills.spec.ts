import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CheckpointWorkspace, restore, stepsOf } from '../support/checkpoint-workspace.js';
import { randomOf } from '../support/random.js';

const WORKER = fileURLToPath(new URL('./checkpoint-worker.mjs', import.meta.url));
/** At how many of its calls a worker is killed; at all of them with `npm run test:faults`. */
const KILLS = Number(process.env['FAULT_ROUNDS'] ?? 4);
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);

let work: CheckpointWorkspace;

function prepare(): void {
  work = new CheckpointWorkspace();
  fs.mkdirSync(work.at('sub'));
  fs.writeFileSync(work.at('a'), 'first', { mode: 0o640 });
  fs.writeFileSync(work.at('sub', 'b'), 'second');
  fs.symlinkSync('a', work.at('link'));
}

/** @param killAt the number of the call that changes files before which the worker ends */
function run(killAt: number): string {
  const { stdout, stderr, signal } = spawnSync('node', [WORKER, work.root, String(killAt)]);
  expect(String(stderr)).toBe('');
  expect(signal).toBe(killAt === 0 ? null : 'SIGKILL');
  return String(stdout);
}

describe(`checkpoints of a server that is killed (FAULT_SEED=${SEED})`, () => {
  afterEach(() => {
    work.remove();
    expect(work.failures).toEqual([]);
  });

  it(
    'put files back to how they were, whatever call the kill comes before',
    async () => {
      prepare();
      const first = work.tree();
      const calls = Number(run(0));
      work.remove();
      const random = randomOf(SEED);
      const all = Array.from({ length: calls }, (_, index) => index + 1);
      const chosen = KILLS < calls ? all.toSorted(() => random() - 0.5).slice(0, KILLS) : all;
      for (const [index, killAt] of chosen.entries()) {
        prepare();
        run(killAt);
        await check(first, killAt);
        if (index < chosen.length - 1) work.remove();
      }
      process.stderr.write(`FAULT_SEED=${SEED}: killed before ${chosen.length} of ${calls} calls\n`);
    },
    60_000 + KILLS * 5_000,
  );
});

async function check(first: Record<string, string>, killAt: number): Promise<void> {
  const recorder = work.open();
  const steps = await stepsOf(recorder);
  const at = { killAt, steps: steps.map(({ tool }) => tool) };
  expect({ ...at, numbers: steps.map(({ number }) => number) }).toEqual({
    ...at,
    numbers: steps.map((_, index) => index + 1),
  });
  if (steps.length > 0)
    expect({ ...at, ...(await restore(recorder, { step: 1 }, true)) }).toMatchObject({ ...at, failed: [] });
  expect({ ...at, tree: work.tree() }).toEqual({ ...at, tree: first });
  expect(fs.readdirSync(work.root)).not.toContain('.tmp');
  const objects = `${work.root}/checkpoints/objects`;
  const left = fs.existsSync(objects) ? fs.readdirSync(objects).filter((name) => name.endsWith('.tmp')) : [];
  expect({ ...at, left }).toEqual({ ...at, left: [] });
  // Another start finds nothing to do.
  expect(await stepsOf(work.open())).toEqual(await stepsOf(recorder));
}
