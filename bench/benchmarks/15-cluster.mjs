import { randomUUID } from 'node:crypto';
import {
  countEvents,
  createConversation,
  inParallel,
  sendMessage,
  warmUp,
} from '../support/conversation.mjs';
import { DriverLog, withDriver } from '../support/driver.mjs';
import { BareInserts, onDatabase, withClient, withDatabase } from '../support/database.mjs';
import { fanOut } from '../support/fan-out.mjs';
import { median } from '../support/table.mjs';
import { until } from '../support/waiting.mjs';

const ANY = { model: 'openai/scripted', base_url: 'http://127.0.0.1:9/v1', api_key: 'none' };
const CLIENTS = 32;
/** Each message produces two events. */
const EVENTS_EACH = 2;
const TAKEN_OVER = 1_000;
const LEASE_SECONDS = 2;

/**
 * Servers on PostgreSQL: what an append costs, what the way over another server adds, and how fast
 * conversations have a new owner after theirs was killed. The driver alone is compared with bare inserts into
 * the same table: over HTTP, requests cost more than either. The file driver is measured in the same round.
 */
export const benchmark = {
  name: 'cluster',
  rounds: { full: 3, quick: 1 },
  rows: {
    files: { title: 'append, 1 client, files, p50', unit: 'ms', better: 'less' },
    one: { title: 'the same, PostgreSQL', unit: 'ms', better: 'less' },
    driverOne: {
      title: 'the same, the driver alone (limit: a bare commit)',
      unit: 'ms',
      better: 'less',
      target: { share: 0.5 },
    },
    filesApart: {
      title: 'append, 32 clients, 32 conversations, files',
      unit: 'events a second',
      better: 'more',
    },
    apart: {
      title: 'the same, PostgreSQL',
      unit: 'events a second',
      better: 'more',
      target: { figure: 3_000 },
    },
    driverApart: {
      title: 'the same, the driver alone (limit: bare inserts that share statements)',
      unit: 'events a second',
      better: 'more',
      target: { share: 0.6 },
    },
    request: { title: 'a request to the owner, p50', unit: 'ms', better: 'less' },
    hop: {
      title: 'added by the way over another server, p50',
      unit: 'ms',
      better: 'less',
      target: { figure: 1 },
    },
    frame: { title: 'from a message to its frame at the owner, p50', unit: 'ms', better: 'less' },
    frameHop: {
      title: 'added by a socket over another server, p50',
      unit: 'ms',
      better: 'less',
      target: { figure: 1 },
    },
    takeover: {
      title: `${TAKEN_OVER.toLocaleString('en-US')} conversations whose owner was killed: end of the lease to the last message`,
      unit: 's',
      better: 'less',
    },
  },
  async measure({ start, quick, isOurs }) {
    if (!isOurs) return {};
    const files = await start();
    const fileFigures = await appends(files, quick);
    await files.stop();
    return withDatabase(async (url) => {
      const settings = onDatabase(url, { OH_SERVER_LEASE_SECONDS: `${LEASE_SECONDS}` });
      const [owner, other] = [await start(settings), await start(settings)];
      const figures = {
        files: fileFigures.p50,
        filesApart: fileFigures.rate,
        ...renamed(await appends(owner, quick)),
        ...(await forwarding(owner, other, quick)),
        takeover: await takeover(owner, other),
      };
      await other.stop();
      return { ...figures, ...(await withDatabase((empty) => driverAppends(empty, quick))) };
    });
  },
  limit: ({ quick }) =>
    withDatabase(async (url) => {
      await withDriver(url, () => undefined);
      return withClient(url, async (client) => {
        const inserts = new BareInserts(client);
        const [alone, ...apart] = Array.from({ length: 1 + CLIENTS }, () => {
          const conversation = randomUUID();
          let seq = 0;
          return (count) => inserts.insert(conversation, (seq += count), count);
        });
        return directAppends(alone, apart, quick);
      });
    }),
};

function driverAppends(url, quick) {
  return withDriver(url, async (storage) => {
    const logs = await Promise.all(Array.from({ length: 1 + CLIENTS }, () => DriverLog.create(storage)));
    const [alone, ...apart] = logs.map((log) => (count) => log.append(count));
    return directAppends(alone, apart, quick);
  });
}

/** The same appends for the driver and for bare inserts: one conversation, then one of each client. */
async function directAppends(alone, apart, quick) {
  const waits = [];
  for (let i = 0; i < (quick ? 300 : 1_000); i++) {
    const started = performance.now();
    await alone(1);
    waits.push(performance.now() - started);
  }
  const count = quick ? 6_000 : 30_000;
  const append = (i) => apart[i % CLIENTS](EVENTS_EACH);
  await inParallel(CLIENTS, count / 5, append);
  const started = performance.now();
  await inParallel(CLIENTS, count, append);
  const rate = (count * EVENTS_EACH * 1000) / (performance.now() - started);
  return { driverOne: median(waits), driverApart: rate };
}

function renamed({ p50, rate }) {
  return { one: p50, apart: rate };
}

/** Milliseconds for a message of one client, and events a second of many. */
async function appends(server, quick) {
  const first = await createConversation(server, ANY);
  await warmUp(CLIENTS, quick ? 1_500 : 3_000, () => sendMessage(server, first, 'warm up'));
  const alone = await createConversation(server, ANY);
  const waits = [];
  for (let i = 0; i < (quick ? 200 : 600); i++) {
    const started = performance.now();
    await sendMessage(server, alone, `message ${i}`);
    waits.push(performance.now() - started);
  }
  const conversations = [];
  for (let i = 0; i < CLIENTS; i++) conversations.push(await createConversation(server, ANY));
  const send = (i) => sendMessage(server, conversations[i % CLIENTS], `message ${i}`);
  await inParallel(CLIENTS, 3 * CLIENTS, send);
  const count = quick ? 2_000 : 6_000;
  const before = await totalOf(server, conversations);
  const started = performance.now();
  await inParallel(CLIENTS, count, send);
  const seconds = (performance.now() - started) / 1000;
  const events = (await totalOf(server, conversations)) - before;
  if (events < count * EVENTS_EACH) throw new Error('acknowledged messages are missing');
  return { p50: median(waits), rate: events / seconds };
}

async function totalOf(server, conversations) {
  const counts = await Promise.all(conversations.map((conversation) => countEvents(server, conversation)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Requests and frames at the owner of a conversation, and over another server, taking turns. */
async function forwarding(owner, other, quick) {
  const conversation = await createConversation(owner, ANY);
  await sendMessage(owner, conversation, 'the first, behind the prompt');
  const places = [owner, other];
  const read = (server) => server.read(`${conversation}/events/count`);
  for (const server of places) await warmUp(1, quick ? 500 : 2_000, () => read(server));
  const requests = [[], []];
  for (let i = 0; i < (quick ? 300 : 1_000); i++)
    for (const [index, server] of places.entries()) requests[index].push((await read(server)).ms);

  const route = `/sockets/events/${conversation.split('/').at(-1)}`;
  const frames = [[], []];
  const watchers = [];
  for (const server of places) watchers.push(await server.watch(route));
  await until(() => watchers.every(({ frames: count }) => count > 0), 'snapshots', 20);
  const publish = () => sendMessage(owner, conversation, 'tick');
  for (let i = 0; i < (quick ? 150 : 400); i++) {
    for (const [index, watcher] of watchers.entries()) {
      const started = performance.now();
      await fanOut([watcher], { count: 1, framesEach: EVENTS_EACH, publish, atOnce: 1 });
      frames[index].push(performance.now() - started);
      // The other one has the same frames to read.
      await until(() => watchers[0].frames === watchers[1].frames, 'the frames of the other socket');
    }
  }
  for (const watcher of watchers) watcher.close();
  const [request, hop, frame, frameHop] = [...requests, ...frames].map(median);
  return { request, hop: hop - request, frame, frameHop: frameHop - frame };
}

/** Seconds from the end of a killed server's lease until all its conversations got a message elsewhere. */
async function takeover(owner, other) {
  const conversations = [];
  await inParallel(8, TAKEN_OVER, async () => conversations.push(await createConversation(owner, ANY)));
  await inParallel(8, TAKEN_OVER, (i) => sendMessage(owner, conversations[i], 'before'));
  owner.child.kill('SIGKILL');
  const killed = performance.now();
  await inParallel(CLIENTS, TAKEN_OVER, (i) =>
    until(
      async () => {
        const message = { role: 'user', content: [{ type: 'text', text: 'after' }], run: false };
        return (await other.send('POST', `${conversations[i]}/events`, message)).status === 200;
      },
      'the takeover of a conversation',
      50,
    ),
  );
  return (performance.now() - killed) / 1000 - LEASE_SECONDS;
}
