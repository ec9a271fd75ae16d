import { once } from 'node:events';
import { createServer } from 'node:http';
import { allEvents, createConversation, sendMessage } from '../support/conversation.mjs';
import { percentile } from '../support/table.mjs';
import { until } from '../support/waiting.mjs';

const ANY = { model: 'openai/scripted', base_url: 'http://127.0.0.1:9/v1', api_key: 'none' };
const EVENTS = 1_000;

/** Delivery of events to a receiver in batches of five, while one client appends as fast as possible. */
export const benchmark = {
  name: 'webhooks',
  rounds: { full: 3, quick: 1 },
  rows: {
    p50: {
      title: 'webhooks, 1,000 events in batches of 5: from the event to its delivery, p50',
      unit: 'ms',
      better: 'less',
      target: { figure: 5, times: 3 },
    },
    p95: { title: 'the same, p95', unit: 'ms', better: 'less' },
    rate: { title: 'the same, delivered', unit: 'events a second', better: 'more' },
    lost: { title: 'the same, lost', unit: '', better: 'less', target: { figure: 0 } },
    doubled: { title: 'the same, delivered twice', unit: '', better: 'less', target: { figure: 0 } },
  },
  async measure({ start }) {
    const receiver = await startReceiver();
    try {
      const server = await start({
        env: {
          OH_WEBHOOKS_0_BASE_URL: receiver.url,
          OH_WEBHOOKS_0_EVENT_BUFFER_SIZE: '5',
          // For the last batch, which is not full.
          OH_WEBHOOKS_0_FLUSH_DELAY: '1',
        },
      });
      return await measureDelivery(server, receiver);
    } finally {
      await receiver.close();
    }
  },
};

async function measureDelivery(server, receiver) {
  const conversation = await createConversation(server, ANY);
  await sendMessage(server, conversation, 'the first, behind the prompt');
  await until(() => receiver.arrivals.size >= 3, 'the first events', 20);
  const started = performance.now();
  // Each message produces two events.
  for (let i = 0; i < EVENTS / 2; i++) await sendMessage(server, conversation, `message ${i}`);
  const events = await allEvents(server, conversation);
  const isDelivered = ({ id }) => receiver.arrivals.has(id);
  await until(() => events.every(isDelivered), 'deliveries', 50).catch(() => undefined);
  const delivered = events.filter(isDelivered).slice(-EVENTS);
  if (events.length < EVENTS) throw new Error(`${events.length} events, not ${EVENTS}`);
  const lags = delivered.map(({ id, timestamp }) => receiver.arrivals.get(id).clock - clockOf(timestamp));
  const last = Math.max(...delivered.map(({ id }) => receiver.arrivals.get(id).came));
  return {
    p50: percentile(lags, 50),
    p95: percentile(lags, 95),
    rate: (delivered.length * 1000) / (last - started),
    lost: events.length - events.filter(isDelivered).length,
    doubled: events.filter(({ id }) => receiver.arrivals.get(id)?.times > 1).length,
  };
}

/** Timestamps have microseconds and are in local time. */
function clockOf(timestamp) {
  const [, whole, fraction = ''] = /^(.*?)(\.\d+)?$/.exec(timestamp);
  return Date.parse(whole) + Number(fraction) * 1000;
}

/** A receiver that records when each event first arrived, and how often. */
async function startReceiver() {
  const arrivals = new Map();
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end();
    if (!request.url.startsWith('/events/')) return;
    const [came, clock] = [performance.now(), performance.timeOrigin + performance.now()];
    for (const { id } of JSON.parse(Buffer.concat(chunks).toString())) {
      const arrival = arrivals.get(id);
      if (arrival) arrival.times += 1;
      else arrivals.set(id, { came, clock, times: 1 });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    arrivals,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
