// Soak test: node bench/soak.mjs --minutes 30 --seed 1 (needs a build; see bench/README.md).
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Actor } from './soak/actor.mjs';
import { ModelEndpoint, Receiver } from './soak/faults.mjs';
import { Random } from './soak/random.mjs';
import { SoakServer } from './soak/server.mjs';
import { verify } from './soak/verify.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    actors: { type: 'string', default: '12' },
    keep: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const minutes = Number(values.minutes);
/** Share of the time in which the server is restarted repeatedly; the last process runs to the end. */
const RESTARTS = 0.5;
const MINUTE = 60_000;
/** Maximum time for pending deliveries and for closing idle conversations (ms). */
const SETTLE_MS = 5 * MINUTE;

const started = Date.now();
const say = (text) =>
  console.log(`${String(Math.round((Date.now() - started) / 1000)).padStart(5)} s  ${text}`);
say(`seed ${seed}, ${minutes} minutes, ${values.actors} actors; again: --seed ${seed} --minutes ${minutes}`);

const folder = await mkdtemp(path.join(os.tmpdir(), 'soak-'));
const receiver = new Receiver(Random.of(seed, 'receiver'));
const model = new ModelEndpoint(Random.of(seed, 'model'), Random.of(seed, 'answers'));
await receiver.open();
await model.open();
const server = new SoakServer(folder, {
  OH_SECRET_KEY: 'a key for a soak test',
  OH_PERSISTENCE_DIR: path.join(folder, 'persistence'),
  OH_MAX_CONCURRENT_RUNS: '8',
  OH_CONVERSATION_IDLE_TTL_SECONDS: '3',
  OH_WEBHOOKS_0_BASE_URL: receiver.url,
  OH_WEBHOOKS_0_EVENT_BUFFER_SIZE: '20',
  OH_WEBHOOKS_0_FLUSH_DELAY: '0.2',
  OH_WEBHOOKS_0_RETRY_DELAY: '1',
  OH_WEBHOOKS_0_NUM_RETRIES: '100',
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.kill();
    process.exit(1);
  });
}
await server.start();
const options = { modelUrl: model.url, workingDir: path.join(folder, 'project') };
const actors = Array.from(
  { length: Number(values.actors) },
  (_, n) => new Actor(`a${n}`, seed, server, options),
);
const conditions = [receiver.alternate(), model.alternate()];
const faultsOfRestarts = [];
let exitCode = 1;
try {
  exitCode = await day();
} catch (error) {
  say(`it broke off: ${error.stack}`);
} finally {
  receiver.end();
  model.end();
  await Promise.all(conditions);
  server.kill();
  await receiver.close();
  await model.close();
  if (values.keep || exitCode !== 0) say(`its data: ${folder}`);
  else await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(exitCode);

async function day() {
  const restarts = Random.of(seed, 'restarts');
  const lastStart = started + minutes * MINUTE * RESTARTS;
  await Promise.all([workUntil(lastStart), restartUntil(lastStart, restarts)]);
  // A process of its own from here: what it has after its first minute is what it may have at its end.
  say(`restarts are over: ${server.starts} starts`);
  await workUntil(Date.now() + MINUTE);
  const first = await settled('after the first minute');
  await workUntil(started + minutes * MINUTE);
  const last = await settled('at the end');
  const { faults, counts } = await verify({ server, actors, receiver, first, last });
  faults.unshift(...faultsOfRestarts);
  say(
    `${actors.reduce((sum, { operations }) => sum + operations, 0)} operations, ${receiver.requests} webhook requests`,
  );
  say(
    Object.entries(counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(', '),
  );
  for (const fault of faults) say(`FAULT ${fault}`);
  say(faults.length === 0 ? 'all is as it should be' : `${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

async function workUntil(end) {
  await Promise.all([receiver.setHealthy(false), model.setHealthy(false)]);
  await Promise.all(actors.map((actor) => actor.work(() => Date.now() >= end)));
}

async function restartUntil(end, random) {
  for (;;) {
    const pause = random.whole(8, 30) * 1000;
    const signal = random.pick({ SIGTERM: 1, SIGKILL: 2 });
    if (Date.now() + pause > end - 5000) return;
    await sleep(pause);
    const began = Date.now();
    const { how, said } = await server.end(signal);
    const took = `${Date.now() - began} ms`;
    if (signal === 'SIGTERM' && how !== 0) {
      faultsOfRestarts.push(`SIGTERM ended it with ${how} after ${took}`);
      say(`SIGTERM ended it with ${how}; its last words:\n${said.slice(-3000)}`);
    }
    await server.start();
    say(`${signal}, ended after ${took}, started again`);
  }
}

/** Everybody rests, and nothing waits any more: what the server takes now is what it holds. */
async function settled(when) {
  await Promise.all(actors.map((actor) => actor.rest()));
  await Promise.all([receiver.setHealthy(true), model.setHealthy(true)]);
  const names = ['runs', 'sockets', 'conversations_open'];
  let left = '';
  for (const end = Date.now() + SETTLE_MS; ; await sleep(500)) {
    await interruptAll();
    const metrics = await server.metrics();
    const { text } = await server.send('GET', '/api/webhooks');
    const [webhook] = JSON.parse(text);
    const waiting = { pending: webhook.pending_events + webhook.pending_changes };
    for (const name of names) waiting[name] = metrics.get(name);
    left = JSON.stringify(waiting);
    if (Object.values(waiting).every((count) => count === 0)) break;
    if (Date.now() > end) throw new Error(`it does not settle: ${left}`);
  }
  const facts = await server.facts();
  const { memory, used, files, processes } = facts;
  say(
    `${when}: ${memory} MiB, ${used} MiB of it in use, ${files.length} open files, ${processes} child processes`,
  );
  return facts;
}

async function interruptAll() {
  for (const status of ['running', 'waiting_for_confirmation']) {
    const { text } = await server.send('GET', `/api/conversations/search?limit=100&status=${status}`);
    for (const { id } of JSON.parse(text).items)
      await server.send('POST', `/api/conversations/${id}/interrupt`);
  }
}
