import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { scriptedRequest, type ConversationClient, type SeenEvent } from '../support/conversation-client.js';
import { Ledger } from '../support/ledger.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const CLOCK = fileURLToPath(new URL('../support/adjustable-clock.mjs', import.meta.url));
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

describe('a server while the clock of the machine is changed', () => {
  let folder: string;
  let receiver: WebhookReceiver;
  let ledger: Ledger;
  const servers: ServerProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    receiver = await WebhookReceiver.start();
    ledger = new Ledger();
    await setClock(0);
  });
  afterEach(async () => {
    ledger.close();
    await Promise.all(servers.splice(0).map((server) => server.end('SIGKILL')));
    await receiver.down();
    await rm(folder, { recursive: true, force: true });
  });

  const file = () => path.join(folder, 'clock');
  /** Sets the clock of all servers in the folder, as on one machine. */
  const setClock = (offMs: number) => writeFile(file(), String(offMs));
  const start = async (): Promise<ServerProcess> => {
    const hook = { base_url: receiver.url, event_buffer_size: 3, flush_delay: 0.05, retry_delay: 0 };
    const env = {
      CLOCK_FILE: file(),
      NODE_OPTIONS: `--import=${CLOCK}`,
      OH_LEASE_TTL_SECONDS: '2',
      OH_WEBHOOKS: JSON.stringify([hook]),
    };
    const server = await ServerProcess.start({ cwd: folder, env });
    servers.push(server);
    return server;
  };
  const create = async (server: ServerProcess): Promise<ConversationClient> => {
    const made = await ledger.create(server, scriptedRequest(path.join(folder, 'work')));
    if (!made) throw new Error('no conversation was made');
    return made;
  };
  const last = async (of: ConversationClient): Promise<SeenEvent> => {
    const event = (await of.events()).at(-1);
    if (!event) throw new Error('no event is there');
    return event;
  };

  it.each([
    ['back by ten years', -10 * YEAR_MS],
    ['forward by an hour', HOUR_MS],
  ])(
    'continues runs and webhooks and keeps events in order when the clock jumps %s, also after a restart',
    async (_name, off) => {
      const server = await start();
      const conversation = await create(server);
      ledger.listen(conversation);
      const script =
        'RUN: until [ -e go ]; do sleep 0.2; done; echo 1 > one\nRUN: echo two | tee two\nFINISH: ok';
      await ledger.say(conversation, script, true);
      await conversation.startsTool();
      await setClock(off);
      await writeFile(path.join(folder, 'work/go'), '');
      await conversation.reaches('finished');
      await ledger.rename(conversation, 'a title');
      await ledger.check(server);

      // A search by time finds only the last event from its timestamp on.
      const { id, timestamp } = await last(conversation);
      expect((await conversation.events(`&timestamp__gte=${timestamp}`)).map((event) => event.id)).toEqual([
        id,
      ]);
      expect((await conversation.info())['title']).toBe('a title');

      await server.end('SIGKILL');
      const second = await start();
      const again = conversation.on(second);
      await ledger.say(again, 'SAY: after the restart', true);
      await again.reaches('finished');
      await ledger.check(second);
      const after = await last(again);
      expect(after.timestamp > timestamp).toBe(true);
      // A client that reconnects asks from the last timestamp that it knows.
      const socket = await again.listen(
        `/sockets/events/${again.id}?resend_mode=since&after_timestamp=${timestamp}`,
      );
      await socket.sees((event) => event.id === after.id);
      expect(socket.events.find(({ key }) => key !== 'full_state')).toMatchObject({ id });
      await socket.close();
      await ledger.checkDelivery(second, receiver);
      // The times of files have not jumped, as they would: forward, what was written later would be older.
      if (off < 0) await checkFiles(again);
    },
  );

  /** Files are put back as they were after the first step, although its time is later than the second's. */
  async function checkFiles(conversation: ConversationClient): Promise<void> {
    const { body } = await conversation.server.request('GET', `${conversation.route}/checkpoints`);
    // The test makes `go` just before, or after, the first command is begun with a look at the files.
    const one: unknown = expect.arrayContaining([expect.objectContaining({ path: 'one' })]);
    expect(body).toMatchObject({ items: [{ files: [{ path: 'two' }] }, { files: one }] });
    const first = (await conversation.events()).find(({ kind }) => kind === 'ObservationEvent');
    const moved = await conversation.post('navigate', { event_id: first?.id, restore_files: true });
    expect(moved.status).toBe(200);
    expect((await readdir(path.join(folder, 'work'))).filter((name) => name !== '.git')).toEqual([
      'go',
      'one',
    ]);
  }

  it('delivers all events of a conversation that is deleted after the clock jumped past its lease', async () => {
    const server = await start();
    const conversation = await create(server);
    await receiver.down();
    await ledger.say(conversation, 'the last word', false);
    const events = await conversation.events();
    await setClock(HOUR_MS);
    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
    await receiver.up();
    const isThere = () => Promise.resolve(receiver.durable(conversation.id).length >= events.length);
    await eventually(isThere, 'all events at the receiver');
    const ids = (of: SeenEvent[]) => of.map(({ id }) => id);
    expect(ids(receiver.durable(conversation.id))).toEqual(ids(events));
  });

  it('keeps all that it acknowledged, and stays the only writer, beside a second server', async () => {
    const [owner, other] = [await start(), await start()];
    const conversation = await create(owner);
    ledger.listen(conversation);
    const jumps = [0, HOUR_MS, 0, -HOUR_MS, 2 * HOUR_MS, -YEAR_MS, YEAR_MS];
    for (const [round, off] of jumps.entries()) {
      await setClock(off);
      for (let index = 0; index < 10; index += 1) {
        await ledger.say(conversation, `${round}-${index} to the owner`, false);
        await ledger.say(conversation.on(other), `${round}-${index} to the other`, false);
      }
    }
    // One of the two has the lease and works as before.
    const answers = [owner, other].map((server) =>
      ledger.say(conversation.on(server), `SAY: to ${server.pid}`, true),
    );
    expect(await Promise.all(answers)).toContain(true);
    await ledger.check(other);
    await owner.end('SIGKILL');
    await ledger.say(conversation.on(other), 'SAY: alone', true);
    await conversation.on(other).reaches('finished');
    await ledger.check(other);
  });
});
