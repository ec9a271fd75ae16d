import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { delta, numbered, type InMemoryConversation } from '../../test/sockets/in-memory-conversations.js';
import type { Frame, SocketClient } from '../../test/sockets/socket-client.js';
import { SocketServer } from '../../test/sockets/socket-server.js';

let server: SocketServer;
beforeAll(async () => {
  server = await SocketServer.start();
});
afterAll(() => server.stop());

interface Joining {
  afterTurns: number;
  want: 'all' | 'since' | 'live' | 'seq' | 'seq-all';
  /** Where `since` and `seq` start, as a fraction of the length of the log. */
  share: number;
}

const turns = fc.integer({ min: 0, max: 3 });
const joining = fc.record<Joining>({
  afterTurns: fc.integer({ min: 0, max: 60 }),
  want: fc.constantFrom('all', 'since', 'live', 'seq', 'seq-all'),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

function nextTurns(stream: Iterator<number, undefined>): number {
  return stream.next().value ?? 0;
}

describe('sockets that connect while events are appended', () => {
  it('receive each event once and in order, from the requested start to the end', async () => {
    const scenario = fc.record({
      before: fc.integer({ min: 0, max: 40 }),
      batches: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 5, maxLength: 40 }),
      delays: fc.infiniteStream(turns),
      clients: fc.array(joining, { minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ before, batches, delays, clients }) => {
        const conversation = server.conversation(() => nextTurns(delays));
        if (before > 0) await conversation.append(...Array.from({ length: before }, (_, n) => numbered(n)));
        const joined = clients.map((client) => join(conversation, client));
        for (const size of batches) {
          void conversation.append(...Array.from({ length: size }, numbered));
          conversation.publish(delta('x'));
          for (let turn = nextTurns(delays); turn > 0; turn -= 1) await setImmediate();
        }
        const attached = await Promise.all(joined);
        await Promise.all(attached.map(({ client }) => client.until((frames) => frames.length >= 1)));
        await conversation.append(numbered('end'));
        await Promise.all(attached.map((client) => check(client, conversation)));
      }),
      { numRuns: 60 },
    );
  });

  it('receive each event once although the bus loses and repeats some', async () => {
    const conversation = server.conversation();
    const lost = new Set([3, 4, 9, 15]);
    const publish = server.bus.publish.bind(server.bus);
    server.bus.publish = (published) => {
      if (published.seq !== undefined && lost.has(published.seq)) return;
      publish(published);
      if (published.seq !== undefined && published.seq % 3 === 0) publish(published);
    };
    const joined = [await join(conversation, { afterTurns: 0, want: 'live', share: 0 })];
    joined.push(await join(conversation, { afterTurns: 0, want: 'seq-all', share: 0 }));
    for (let n = 0; n < 20; n += 1) await conversation.append(numbered(n));
    await conversation.append(numbered('end'));
    server.bus.publish = publish;
    await Promise.all(joined.map((client) => check(client, conversation)));
  });
});

interface Joined {
  client: SocketClient;
  /** The first event that must arrive; undefined when it depends on timing. */
  first: number | undefined;
}

async function join(
  conversation: InMemoryConversation,
  { afterTurns, want, share }: Joining,
): Promise<Joined> {
  for (let turn = afterTurns; turn > 0; turn -= 1) await setImmediate();
  // There is no event in an empty log.
  const seq = conversation.length === 0 ? -1 : Math.floor(share * (conversation.length - 1));
  const events = `/sockets/events/${conversation.id}`;
  const session = `/sockets/session/${conversation.id}`;
  switch (want) {
    case 'all':
      return { client: await server.connect(`${events}?resend_mode=all`), first: 0 };
    case 'live':
      return { client: await server.connect(events), first: undefined };
    case 'seq':
      return { client: await server.connect(`${session}?after_seq=${seq}`), first: seq + 1 };
    case 'seq-all':
      return { client: await server.connect(`${session}?after_seq=-1`), first: 0 };
    case 'since': {
      const since = conversation.length > 0 ? conversation.timestampOf(seq) : '2000-01-01';
      const client = await server.connect(`${events}?resend_mode=since&after_timestamp=${since}`);
      return { client, first: conversation.length > 0 && since !== '2000-01-01' ? seq : 0 };
    }
  }
}

/**
 * Expects the durable events of the client to be those of the log from the requested start, once each.
 */
async function check({ client, first }: Joined, conversation: InMemoryConversation): Promise<void> {
  const last = conversation.events.at(-1);
  await client.until((frames) => frames.some((frame) => eventOf(frame)['id'] === last?.id));
  const frames = client.frames.filter((frame) => eventOf(frame)['key'] === 'n');
  const ids = frames.map((frame) => eventOf(frame)['id']);
  const all = conversation.events.map(({ id }) => id);
  const from = first ?? all.indexOf(String(ids[0]));
  expect(ids).toEqual(all.slice(from));
  const numbers = frames.flatMap((frame) => (typeof frame['seq'] === 'number' ? [frame['seq']] : []));
  if (numbers.length > 0) expect(numbers).toEqual(all.map((_, seq) => seq).slice(from));
  const states = client.frames.filter((frame) => eventOf(frame)['key'] === 'full_state');
  expect(states).toHaveLength(1);
  client.socket.close();
  await client.closed;
}

function eventOf(frame: Frame): Frame {
  return typeof frame['event'] === 'object' && frame['event'] !== null ? { ...frame['event'] } : frame;
}
