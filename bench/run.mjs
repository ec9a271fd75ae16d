// The benchmarks: `npm run bench`, with options after `--`. What it prints and how to add one: bench/README.md
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startChatEndpoint } from '../test/support/chat-endpoint.mjs';
import * as player from '../dist/llm/scripted/player.js';
import { measureLimits } from './support/limits.mjs';
import { endAllServers, startServer } from './support/server.mjs';
import { formatTable, summarise } from './support/table.mjs';

const { values: options } = parseArgs({
  options: {
    /** Only benchmarks whose name contains this; may be given more than once. */
    only: { type: 'string', multiple: true, default: [] },
    /** Fewer rounds and fewer requests. */
    quick: { type: 'boolean', default: false },
    /** The command line of a second server to compare with; `--port N` is added to it. */
    server: { type: 'string' },
  },
});
const OURS = [
  process.execPath,
  fileURLToPath(new URL('../dist/main.js', import.meta.url)),
  '--host',
  '127.0.0.1',
];
const rounds = options.quick ? 3 : 7;

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void endAllServers().finally(() => process.exit(1)));
}

const endpoint = await startChatEndpoint({ player });
const contestants = [{ name: 'this server', command: OURS, llm: { model: 'scripted/bench' } }];
if (options.server) {
  const llm = { model: 'openai/scripted', base_url: endpoint.url, api_key: 'none' };
  contestants.push({ name: 'other server', command: options.server.split(/\s+/), llm });
}

try {
  const benchmarks = await loadBenchmarks();
  const rows = [];
  for (const benchmark of benchmarks) rows.push(await run(benchmark));
  console.log(`\n${formatTable(rows, contestants.length > 1)}`);
  console.log("\nThe machine's own limits, in the same run:");
  for (const { title, unit, value } of await measureLimits()) console.log(`  ${title}: ${value} ${unit}`);
} finally {
  await endAllServers();
  await endpoint.close();
}

async function loadBenchmarks() {
  const folder = new URL('benchmarks/', import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.mjs')).sort();
  const modules = await Promise.all(files.map((file) => import(new URL(file, folder).href)));
  const wanted = ({ name }) => options.only.length === 0 || options.only.some((part) => name.includes(part));
  const benchmarks = modules.map(({ benchmark }) => benchmark).filter(wanted);
  if (benchmarks.length === 0) throw new Error(`no benchmark is called like ${options.only.join(', ')}`);
  return benchmarks;
}

/** Round by round, the servers taking turns, so that a busy moment of the machine hits both. */
async function run(benchmark) {
  const figures = contestants.map(() => []);
  const failures = contestants.map(() => undefined);
  for (let round = 0; round < rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      if (failures[index]) continue;
      showProgress(`${benchmark.name}: ${contestant.name}, round ${round + 1} of ${rounds}`);
      try {
        figures[index].push(await measure(benchmark, contestant));
      } catch (error) {
        failures[index] = error;
        process.exitCode = 1;
      }
    }
  }
  showProgress('');
  for (const [index, failure] of failures.entries()) {
    if (failure)
      console.error(`${benchmark.name}: ${contestants[index].name} failed, so no figure: ${failure.message}`);
  }
  // One error makes the rest of its figures worthless.
  const results = figures.map((list, index) => (failures[index] ? undefined : summarise(list)));
  return { benchmark, results };
}

function showProgress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

async function measure(benchmark, contestant) {
  const server = await startServer(contestant.command);
  try {
    return await benchmark.measure({ server, llm: contestant.llm, quick: options.quick });
  } finally {
    await server.stop();
  }
}
