import { countEvents, createConversation, sendMessage } from '../support/conversation.mjs';
import { fanOut } from '../support/fan-out.mjs';
import { fannedOut } from '../support/limits.mjs';
import { until } from '../support/waiting.mjs';
import { median } from '../support/table.mjs';

const ANY = { model: 'openai/scripted', base_url: 'http://127.0.0.1:9/v1', api_key: 'none' };

/** Messages in a conversation that many sockets are subscribed to. */
export const benchmark = {
  name: 'fan-out',
  rows: {
    accepted: {
      title: 'sockets accepted of 1,000',
      unit: '',
      better: 'more',
      target: { figure: 1000 },
    },
    lag: { title: '100 sockets: from the request to the last of them, p50', unit: 'ms', better: 'less' },
    frames: {
      title: '100 sockets (or as many as are accepted), appended and sent (limit: bare `ws`)',
      unit: 'frames a second',
      better: 'more',
      target: { times: 9.7, share: 0.6 },
    },
    many: {
      title: '1,000 sockets, appended and sent (limit: bare `ws`)',
      unit: 'frames a second',
      better: 'more',
      target: { share: 0.6 },
    },
  },
  async measure({ start, quick }) {
    const server = await start();
    const few = await watchedConversation(server, 100);
    const lag = await publishLag(few, quick ? 30 : 100);
    const frames = await publish(few, quick ? 150 : 500);
    const many = await watchedConversation(server, 1_000);
    const accepted = many.watchers.length;
    return {
      accepted,
      lag,
      frames,
      many: accepted === 1_000 ? await publish(many, quick ? 25 : 80) : undefined,
    };
  },
  limit: async ({ quick }) => ({
    frames: await fannedOut(100, quick ? 400 : 1_500),
    many: await fannedOut(1_000, quick ? 50 : 150),
  }),
};

/** A conversation and the sockets that the server accepted for it. */
async function watchedConversation(server, sockets) {
  const conversation = await createConversation(server, ANY);
  await sendMessage(server, conversation, 'the first, behind the prompt');
  const route = `/sockets/events/${conversation.split('/').at(-1)}`;
  const opened = [];
  for (let i = 0; i < sockets; i++) opened.push(await server.watch(route));
  // A socket first gets a snapshot, or is closed.
  const greeted = ({ frames, closed }) => frames > 0 || closed !== undefined;
  await until(() => opened.every(greeted), 'snapshots', 20);
  const watchers = opened.filter(({ closed }) => closed === undefined);
  if (watchers.length === 0) throw new Error('no socket was accepted');
  const send = (text) => sendMessage(server, conversation, text);
  // The number of events per message.
  const before = await countEvents(server, conversation);
  await send('one more');
  const framesEach = (await countEvents(server, conversation)) - before;
  await until(() => watchers.every(({ frames }) => frames >= 1 + framesEach), 'the first frames', 20);
  return { watchers, framesEach, send };
}

function publish({ watchers, framesEach, send }, count) {
  const text = 'x'.repeat(100);
  return fanOut(watchers, { count, framesEach, publish: () => send(text) });
}

async function publishLag({ watchers, framesEach, send }, count) {
  const lags = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await fanOut(watchers, { count: 1, framesEach, publish: () => send('tick'), atOnce: 1 });
    lags.push(performance.now() - started);
  }
  return median(lags);
}
