// Where a server spent its time: `node bench/profile.mjs FOLDER [SKIP]`, with what `--profile FOLDER` of
// run.mjs has left there, without the first SKIP milliseconds of each process (1,000), in which it starts.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const SHOWN = 40;
/** Node's names for time in which nothing ran. */
const RESTING = new Set(['(idle)', '(root)', '(program)']);

const [folder, skip = '1000'] = process.argv.slice(2);
if (!folder) throw new Error('usage: node bench/profile.mjs FOLDER [SKIP]');
const files = (await readdir(folder)).filter((file) => file.endsWith('.cpuprofile'));
if (files.length === 0) throw new Error(`there is no profile in ${folder}`);

const functions = new Map();
const places = new Map();
let total = 0;
for (const file of files) add(JSON.parse(await readFile(path.join(folder, file), 'utf8')));
print('function', functions);
print('file', places);

/** Time belongs to the function that ran, not to those that called it. */
function add({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  let elapsed = 0;
  for (const [index, id] of samples.entries()) {
    const ms = timeDeltas[index] / 1000;
    elapsed += ms;
    const { functionName, url, lineNumber } = frames.get(id);
    if (elapsed < Number(skip) || RESTING.has(functionName)) continue;
    const place = url === '' ? '(native)' : url.replace(/^file:\/\//, '').replace(`${process.cwd()}/`, '');
    total += ms;
    increase(functions, `${functionName || '(anonymous)'} ${place}:${lineNumber + 1}`, ms);
    increase(places, place, ms);
  }
}

function increase(map, key, ms) {
  map.set(key, (map.get(key) ?? 0) + ms);
}

function print(title, map) {
  const top = [...map].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  console.log(`\n${title} (of ${Math.round(total)} ms on the processor, ${files.length} profiles)`);
  for (const [name, ms] of top)
    console.log(
      `${((100 * ms) / total).toFixed(1).padStart(5)}%  ${String(Math.round(ms)).padStart(7)} ms  ${name}`,
    );
}
