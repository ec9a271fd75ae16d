// The benchmarks: `npm run bench`, with options after `--`. What it prints and how to add one:
// bench/README.md
import { writeFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { measureLimits } from './support/limits.mjs';
import { startModel } from './support/model.mjs';
import { toCells } from './support/report.mjs';
import { endAllServers, startServer } from './support/server.mjs';
import { formatMarkdown, formatNumber, formatText, summarise } from './support/table.mjs';
import { thisServer } from './support/this-server.mjs';

const OPTIONS = {
  /** Only benchmarks whose name contains this; may be given more than once. */
  only: { type: 'string', multiple: true, default: [] },
  /** Fewer rounds and fewer requests. */
  quick: { type: 'boolean', default: false },
  /** The command line of a second server to compare with; `--port N` is added to it. */
  server: { type: 'string' },
  /** Prints Markdown, with the machine, the date and the command. */
  markdown: { type: 'boolean', default: false },
  /** A file for all figures. */
  json: { type: 'string' },
  /** A folder for CPU profiles of this server; its figures are worth less then. */
  profile: { type: 'string' },
};
const options = readOptions();
const profiling = options.profile ? ['--cpu-prof', '--cpu-prof-dir', options.profile] : [];
if (options.profile) await mkdir(options.profile, { recursive: true });

/** Who is measured; the first is this server. */
const contestants = [
  {
    name: 'this server',
    key: 'ours',
    command: [...thisServer(profiling), '--host', '127.0.0.1'],
  },
];
if (options.server)
  contestants.push({ name: 'other server', key: 'other', command: options.server.split(/\s+/) });

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void endAllServers().finally(() => process.exit(1)));
}

const model = await startModel();
try {
  const benchmarks = await loadBenchmarks();
  const results = [];
  for (const benchmark of benchmarks) {
    results.push(...(await run(benchmark)));
    // After each, so that a run which is ended early leaves something.
    save(results, []);
  }
  const limits = await measureLimits();
  save(results, limits);
  print(results, limits);
} finally {
  await endAllServers();
  await model.close();
}

function readOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    console.error(
      `${error.message}\nThere are: --${Object.keys(OPTIONS).join(', --')}. What they do: bench/README.md`,
    );
    return process.exit(2);
  }
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

/**
 * Round by round, the servers and the limit taking turns, so that a busy moment of the machine hits all of
 * them.
 */
async function run(benchmark) {
  const rounds = (benchmark.rounds ?? { full: 5, quick: 2 })[options.quick ? 'quick' : 'full'];
  const measurers = contestants.map((contestant) => ({
    ...contestant,
    measure: () => measure(benchmark, contestant),
  }));
  if (benchmark.limit)
    measurers.push({
      name: 'the limit',
      key: 'limit',
      measure: () => benchmark.limit({ quick: options.quick }),
    });
  for (const measurer of measurers) measurer.figures = [];
  for (let round = 0; round < rounds; round++) {
    for (const measurer of measurers) {
      // One error makes the rest of its figures worthless.
      if (measurer.failure) continue;
      showProgress(`${benchmark.name}: ${measurer.name}, round ${round + 1} of ${rounds}`);
      try {
        measurer.figures.push(await measurer.measure());
      } catch (error) {
        measurer.failure = error;
        process.exitCode = 1;
      }
    }
  }
  showProgress('');
  for (const { name, failure } of measurers)
    if (failure) console.error(`${benchmark.name}: ${name} failed, so no figure: ${failure.stack}`);
  return Object.entries(benchmark.rows).map(([key, row]) => ({
    name: `${benchmark.name}.${key}`,
    row,
    ...Object.fromEntries(measurers.map((measurer) => [measurer.key, summariseRow(measurer, key)])),
  }));
}

/** Nothing where a row is not for this contestant. */
function summariseRow({ failure, figures }, key) {
  if (failure) return { failed: true };
  const values = figures.map((figure) => figure[key]).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : summarise(values);
}

function showProgress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '') console.error(text);
}

async function measure(benchmark, { key, command }) {
  const started = [];
  const start = async (settings) => {
    const server = await startServer(command, settings);
    started.push(server);
    return server;
  };
  try {
    return await benchmark.measure({ start, model, quick: options.quick, isOurs: key === 'ours' });
  } finally {
    for (const server of started) await server.stop();
  }
}

/** In one go, so that a run which is ended meanwhile does not leave half a file. */
function save(results, limits) {
  if (!options.json) return;
  const text = JSON.stringify({ about: describeRun(), results, limits }, null, 2);
  writeFileSync(options.json, `${text}\n`);
}

function print(results, limits) {
  const cells = toCells(results, contestants.length > 1);
  const limitCells = [
    ['Limit of the machine', 'Unit', 'Figure'],
    ...limits.map(({ title, unit, value }) => [title, unit, formatNumber(value)]),
  ];
  const format = options.markdown ? formatMarkdown : formatText;
  const about = describeRun();
  console.log(
    `\n${about.join(options.markdown ? '  \n' : '\n')}\n\n${format(cells)}\n\n${format(limitCells)}`,
  );
}

function describeRun() {
  const [cpu] = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  return [
    `Machine: ${os.cpus().length} x ${cpu.model.trim()}, ${memory} GiB, ${os.type()} ${os.release()}, Node ${process.version}`,
    `Date: ${new Date().toISOString().slice(0, 10)}`,
    `Command: ${describeCommand()}`,
  ];
}

/** Without what says where things are on this machine. */
function describeCommand() {
  const [program, ...args] = (options.server ?? '').split(/\s+/);
  return [
    'npm run bench --',
    options.quick && '--quick',
    ...options.only.map((part) => `--only ${part}`),
    options.server && `--server "${[path.basename(program), ...args].join(' ')}"`,
  ]
    .filter(Boolean)
    .join(' ');
}
