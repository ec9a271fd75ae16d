import { createConversation, inParallel, sendMessage } from '../support/conversation.mjs';
import { COLLECTABLE, settledMemory } from '../support/settled-memory.mjs';
import { until } from '../support/waiting.mjs';

const ANY = { model: 'openai/scripted', base_url: 'http://127.0.0.1:9/v1', api_key: 'none' };
/** Below the lowest limit of sockets per conversation of the compared servers. */
const SOCKETS_EACH = 40;

/** Memory of an idle conversation with one message, and of an idle WebSocket. */
export const benchmark = {
  name: 'idle',
  rounds: { full: 3, quick: 1 },
  rows: {
    conversation: {
      title: 'an idle conversation with one message, in the server process',
      unit: 'KiB',
      better: 'less',
      target: { figure: 20 },
    },
    withChildren: {
      title: 'the same, with child processes (PSS)',
      unit: 'KiB',
      better: 'less',
      target: { figure: 20, times: 102 },
    },
    processes: {
      title: 'the same, child processes',
      unit: 'each',
      better: 'less',
      target: { figure: 0 },
    },
    socket: { title: 'an idle WebSocket', unit: 'KiB', better: 'less', target: { figure: 15, times: 3 } },
  },
  async measure({ start, quick }) {
    const server = await start(COLLECTABLE);
    const conversations = [];
    // Excludes the setup and compiled code of the first conversations: 10 to 20 MiB, once.
    const add = (count, seconds) => addConversations(server, conversations, count, seconds);
    await add(quick ? 300 : 600, 10);
    const before = await settledMemory(server);
    const added = await add(quick ? 500 : 1_000, 15);
    const after = await settledMemory(server);
    const each = (from, to) => ((to - from) * 1024) / added;
    return {
      conversation: each(before.own, after.own),
      withChildren: each(before.all, after.all),
      processes: (after.processes - before.processes) / added,
      socket: await socketKiB(server, conversations),
    };
  },
};

/** Creates up to `count` conversations within a time limit, for slow servers. */
async function addConversations(server, conversations, count, seconds) {
  const before = conversations.length;
  const end = performance.now() + seconds * 1000;
  await inParallel(4, count, async () => {
    if (performance.now() > end) return;
    const conversation = await createConversation(server, ANY);
    await sendMessage(server, conversation, 'hi');
    conversations.push(conversation);
  });
  return conversations.length - before;
}

/** A slow server has fewer conversations, so fewer sockets are opened. */
async function socketKiB(server, conversations) {
  const count = Math.min(1_000, (conversations.length - 5) * SOCKETS_EACH);
  const open = async (from, to) => {
    for (let i = from; i < to; i++) {
      const conversation = conversations[Math.floor(i / SOCKETS_EACH)];
      const watcher = await server.watch(`/sockets/events/${conversation.split('/').at(-1)}`);
      await until(() => watcher.frames > 0 || watcher.closed !== undefined, 'a snapshot', 1);
      if (watcher.closed !== undefined) throw new Error(`a socket was closed with ${watcher.closed}`);
    }
  };
  const first = SOCKETS_EACH * 5;
  await open(0, first);
  const before = await settledMemory(server);
  await open(first, first + count);
  return (((await settledMemory(server)).own - before.own) * 1024) / count;
}
