import {
  countEvents,
  createConversation,
  inParallel,
  sendMessage,
  warmUp,
} from '../support/conversation.mjs';
import { echoes, syncedAppends } from '../support/limits.mjs';
import { percentile } from '../support/table.mjs';

const ANY = { model: 'openai/scripted', base_url: 'http://127.0.0.1:9/v1', api_key: 'none' };
const CLIENTS = 32;

/**
 * Messages and their durable acknowledgements: one client, many clients in one conversation, many clients
 * with one conversation each.
 */
export const benchmark = {
  name: 'append',
  rows: {
    one: { title: 'append, 1 client', unit: 'a second', better: 'more', target: { times: 20 } },
    p50: { title: 'the same, p50', unit: 'ms', better: 'less' },
    p99: { title: 'the same, p99', unit: 'ms', better: 'less' },
    many: {
      title: 'append, 32 clients, one conversation (limit: append and fdatasync, one after another)',
      unit: 'a second',
      better: 'more',
      target: { times: 40, share: 0.5 },
    },
    apart: {
      title: 'append, 32 clients, 32 conversations',
      unit: 'a second',
      better: 'more',
      target: { times: 40, share: 0.5 },
    },
  },
  async measure({ start, quick }) {
    const server = await start();
    const other = await createConversation(server, ANY);
    await warmUp(CLIENTS, quick ? 1_000 : 3_000, () => sendMessage(server, other, 'warm up'));
    const first = await createConversation(server, ANY);
    const waits = await appendOne(server, first, quick ? 200 : 600);
    const second = await createConversation(server, ANY);
    const count = quick ? 400 : 1_000;
    const many = await appendMany(server, [second], count);
    const conversations = [];
    for (let i = 0; i < CLIENTS; i++) conversations.push(await createConversation(server, ANY));
    return {
      one: (waits.length * 1000) / waits.reduce((sum, wait) => sum + wait, 0),
      p50: percentile(waits, 50),
      p99: percentile(waits, 99),
      many,
      apart: await appendMany(server, conversations, count),
    };
  },
  async limit({ quick }) {
    const synced = await syncedAppends(1, quick ? 300 : 1_000);
    return { one: 1000 / (1000 / synced + 1000 / (await echoes(1, 2_000))), many: synced, apart: synced };
  },
};

async function appendOne(server, conversation, count) {
  for (let i = 0; i < 50; i++) await sendMessage(server, conversation, `warm up ${i}`);
  const waits = [];
  await withoutLoss(server, [conversation], count, async () => {
    for (let i = 0; i < count; i++) {
      const started = performance.now();
      await sendMessage(server, conversation, `message ${i}`);
      waits.push(performance.now() - started);
    }
  });
  return waits;
}

async function appendMany(server, conversations, count) {
  const send = (i) => sendMessage(server, conversations[i % conversations.length], `message ${i}`);
  await inParallel(CLIENTS, 3 * CLIENTS, send);
  let seconds;
  await withoutLoss(server, conversations, count, async () => {
    const started = performance.now();
    await inParallel(CLIENTS, count, send);
    seconds = (performance.now() - started) / 1000;
  });
  return count / seconds;
}

/** Checks that all acknowledged messages are stored. */
async function withoutLoss(server, conversations, count, action) {
  const total = async () => {
    const counts = await Promise.all(conversations.map((conversation) => countEvents(server, conversation)));
    return counts.reduce((sum, one) => sum + one, 0);
  };
  const before = await total();
  await action();
  if ((await total()) - before < count) throw new Error('acknowledged messages are missing');
}
