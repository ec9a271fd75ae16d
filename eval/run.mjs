// The evaluation: `npm run eval -- --model PROVIDER/NAME`. What it measures, its options and what a figure
// means: eval/README.md
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { endAllServers, startServer } from '../bench/support/server.mjs';
import { formatMarkdown, formatText } from '../bench/support/table.mjs';
import { thisServer } from '../bench/support/this-server.mjs';
import { currentBuild } from '../scripts/builds.mjs';
import { AgentServer, runAgent } from './support/agent-run.mjs';
import { oneLine } from './support/one-line.mjs';
import { readOptions, UsageError } from './support/options.mjs';
import { canConfineChecks } from './support/program.mjs';
import { conclude, toCells } from './support/report.mjs';
import { Results, ResultsError } from './support/results.mjs';
import { startScriptedModel } from './support/scripted-model.mjs';
import { toTurns } from './support/solution.mjs';
import { loadTasks, missingPrograms, solutionsOf } from './support/tasks.mjs';
import { takeSnapshot } from './support/workspace.mjs';

const options = await optionsOrExit();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => stop.abort(new Error('ended by a signal')));

/** Options of Node for a server that ends with this process, also when it is killed. */
const ENDS_WITH_THIS = ['--import', new URL('../bench/support/end-with-parent.mjs', import.meta.url).href];

assertConfinement();
const tasks = await chosenTasks();
const settings = await readSettings();
const results = await openResults();
const model = options.scripted ? await startScriptedModel() : undefined;
const servers = chosenServers();
const plan = [...planRuns(servers)];
try {
  for (const [index, entry] of plan.entries()) {
    if (results.has(toKey(entry))) continue;
    if (stop.signal.aborted || !isAffordable()) break;
    const run = await runOne(entry);
    if (!run) break;
    const note = run.ok ? 'ok' : `FAILED (${run.outcome}): ${run.reasons.join('; ')}`;
    const name = `${index + 1}/${plan.length} ${run.task} ${run.solution} on ${entry.server.name}`;
    console.error(`${name}: ${oneLine(note)}`);
  }
} catch (error) {
  // Not a result of the agent: started again, the evaluation does this run anew.
  console.error(`stopped: ${stop.signal.aborted ? 'by a signal' : oneLine(error.message)}`);
  process.exitCode = 1;
} finally {
  await endAllServers();
  await model?.close();
  await results.close();
}
await report();

async function optionsOrExit() {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nThe options: eval/README.md`);
    return process.exit(2);
  }
}

/** Checks run programs that the model wrote. Scripted solutions are our own. */
function assertConfinement() {
  if (options.scripted || options.unconfinedChecks || canConfineChecks()) return;
  console.error(
    'checks run programs that the model wrote, and bubblewrap, which confines them, does not work here: install it, ' +
      'or give --unconfined-checks on a machine that may be lost',
  );
  process.exit(2);
}

async function openResults() {
  try {
    return await Results.open(options.out, settings);
  } catch (error) {
    if (!(error instanceof ResultsError)) throw error;
    console.error(error.message);
    return process.exit(2);
  }
}

async function chosenTasks() {
  const all = await loadTasks();
  const names = new Set(all.map(({ name }) => name));
  const unknown = (options.tasks ?? []).filter((name) => !names.has(name));
  if (unknown.length > 0) {
    console.error(`there is no task ${unknown.join(', ')}; there are: ${[...names].join(', ')}`);
    process.exit(2);
  }
  const chosen = options.tasks ? all.filter(({ name }) => options.tasks.includes(name)) : all;
  const missing = [...new Set(chosen.flatMap(missingPrograms))];
  if (missing.length > 0) {
    console.error(`these tasks need ${missing.join(', ')}; --tasks leaves some out`);
    process.exit(2);
  }
  return chosen;
}

/** What makes runs comparable. A changed prompt is another build. No key and no address is among it. */
async function readSettings() {
  const { scripted, llm, limits, price } = options;
  const build = options.server ? 'of a running server' : await currentBuild();
  return { model: scripted ? 'scripted' : llm.model, price: price ?? null, limits, build };
}

/** Who is evaluated; a server starts when its first run needs it. */
function chosenServers() {
  const found = [
    {
      key: 'ours',
      name: 'this server',
      at: options.server ?? [...thisServer(ENDS_WITH_THIS), '--host', '127.0.0.1'],
    },
  ];
  if (options.original) {
    const isUrl = /^https?:\/\//.test(options.original);
    found.push({
      key: 'original',
      name: 'the original',
      at: isUrl ? options.original : options.original.split(/\s+/),
    });
  }
  return found;
}

/** Own servers have the settings of the environment, such as OH_SANDBOX, but no keys of it. */
async function connect(at) {
  if (typeof at === 'string') return new AgentServer(at, options.sessionKey);
  const inherited = Object.entries(process.env).filter(([name]) => name.startsWith('OH_'));
  const env = { ...Object.fromEntries(inherited), LITELLM_LOCAL_MODEL_COST_MAP: 'True' };
  const { port } = await startServer(at, { env });
  return new AgentServer(`http://127.0.0.1:${port}`);
}

/**
 * Repeat by repeat, the servers taking turns: an evaluation that ends early has done each task about as often
 * as the others, on each server.
 */
function* planRuns(servers) {
  for (let repeat = 1; repeat <= options.repeats; repeat += 1) {
    for (const task of tasks) {
      const solutions = options.scripted ? solutionsOf(task) : [{ name: 'model', accepted: true }];
      for (const solution of solutions)
        for (const server of servers) yield { repeat, task, solution, server };
    }
  }
}

function toKey({ repeat, task, solution, server }) {
  return { server: server.key, task: task.name, version: task.version, solution: solution.name, repeat };
}

/** Before each run: it may cost as much as a run is allowed to. */
function isAffordable() {
  if (options.scripted) return true;
  const { spent } = results;
  if (spent + options.limits.usd <= options.budget) return true;
  console.error(
    `stopped: ${spent.toFixed(2)} of ${options.budget} USD are spent, and the next run may cost ${options.limits.usd}. ` +
      'Start it again with a larger --budget to go on.',
  );
  process.exitCode = 3;
  return false;
}

/** Without a price no budget holds. */
function hasPrice({ cost, tokens }) {
  if (options.scripted || options.price !== undefined || cost > 0 || tokens.prompt === 0) return true;
  console.error(
    'stopped: the server knows no price of this model; give --price IN,OUT (USD per million tokens)',
  );
  process.exitCode = 3;
  return false;
}

async function runOne(entry) {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'eval-')));
  try {
    return await runIn(folder, entry);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }).catch((error) =>
      console.error(`a workspace is left: ${error.message}`),
    );
  }
}

/** Prepares, lets the agent work, checks. @returns nothing if the run has no price */
async function runIn(folder, entry) {
  const { task, solution, server } = entry;
  server.client ??= await connect(server.at);
  await task.prepare(folder);
  const before = takeSnapshot(folder);
  model?.play(toTurns(solution.solution, folder));
  const agent = await runAccounted(server.client, {
    folder,
    prompt: task.prompt,
    llm: model?.llm ?? options.llm,
    fields: budgetOf(server),
    limits: options.limits,
    signal: stop.signal,
  });
  try {
    const { outcome, answer, steps, tokens, cost, seconds, events } = agent;
    const verdict = await checkBounded(task, { folder, answer, events, before });
    const isFinished = outcome === 'finished';
    const ok = isFinished && verdict.passed === solution.accepted;
    const run = {
      ...toKey(entry),
      ...{ ok, outcome, reasons: verdict.reasons, steps, tokens, cost, seconds },
      answer: answer.slice(0, 2000),
      at: new Date().toISOString(),
    };
    // It does not count: with a price it is done again.
    if (!hasPrice(run)) return undefined;
    await results.add(run, events);
    return run;
  } finally {
    await agent.close();
  }
}

/** A limit that holds even when the evaluation was killed, and its agent goes on. The original has none. */
function budgetOf({ key }) {
  const { usd } = options.limits;
  return key === 'ours' && usd !== undefined ? { max_budget_per_run: usd } : {};
}

/** Runs an agent. If the evaluation is killed, what the run was allowed to cost counts as spent. */
async function runAccounted(server, run) {
  let spent = 0;
  await results.keepCost(run.limits.usd ?? 0);
  try {
    return await runAgent(server, { ...run, onCost: (cost) => (spent = cost) });
  } catch (error) {
    await results.keepCost(spent);
    throw error;
  }
}

/** What an agent leaves may break a check: then it has failed. */
async function checkBounded(task, result) {
  try {
    return await task.check(result);
  } catch (error) {
    return { passed: false, reasons: [`the check failed: ${error.message}`] };
  }
}

async function report() {
  const wanted = new Set(plan.map((entry) => JSON.stringify(toKey(entry))));
  const runs = results.runs.filter(({ server, task, version, solution, repeat }) =>
    wanted.has(JSON.stringify({ server, task, version, solution, repeat })),
  );
  if (runs.length === 0) return;
  const cells = toCells(runs, servers);
  const about = [
    `Model: ${options.scripted ? 'scripted solutions' : options.llm.model}`,
    `Date: ${new Date().toISOString().slice(0, 10)}`,
    `Runs: ${runs.length} of ${plan.length}`,
    ...conclude(runs, servers),
    ...(results.lost > 0 ? [`Runs without a result have cost up to ${results.lost.toFixed(2)} USD`] : []),
  ];
  await results.report({ about, settings, runs }, `${about.join('  \n')}\n\n${formatMarkdown(cells)}`);
  console.log(`${formatText(cells)}\n\n${about.join('\n')}\n\nKept in ${options.out}`);
  if (options.scripted && runs.some(({ ok }) => !ok)) process.exitCode = 1;
}
