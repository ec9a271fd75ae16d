import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const SCRIPT = 'RUN: echo hook\nFINISH: ok';

interface Lane {
  conversation_id: string;
  kind: string;
  state: string;
  pending: number;
  failed_attempts: number;
  oldest_pending_at: string | null;
  next_attempt_at: string | null;
  last_error: { status: number | null; reason: string } | null;
}

interface Details {
  id: string;
  pending_events: number;
  pending_changes: number;
  oldest_pending_at: string | null;
  dropped_changes: number;
  last_error: object | null;
  lanes: Lane[];
  lanes_total: number;
  recent_errors: { status: number | null; attempt: number; conversation_id: string; dropped: boolean }[];
}

describe('webhook deliveries', () => {
  let folder: string;
  let receiver: WebhookReceiver;
  let server: ServerProcess;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    receiver = await WebhookReceiver.start();
  });
  afterEach(async () => {
    await server.stop();
    await receiver.down();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (more: Record<string, unknown> = {}): Promise<void> => {
    const hook = { base_url: receiver.url, name: 'audit', event_buffer_size: 4, flush_delay: 0.1, ...more };
    server = await ServerProcess.start({ cwd: folder, env: { OH_WEBHOOKS: JSON.stringify([hook]) } });
  };
  const details = async (): Promise<Details> => {
    const [status] = (await server.request('GET', '/api/webhooks')).body as Details[];
    return (await server.request('GET', `/api/webhooks/${status?.id}`)).body as Details;
  };
  const redeliver = async (body?: unknown) =>
    server.request('POST', `/api/webhooks/${(await details()).id}/redeliver`, body);
  const finished = async (): Promise<ConversationClient> => {
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(path.join(folder, 'work'), SCRIPT),
    );
    await conversation.reaches('finished');
    return conversation;
  };
  const idle = () =>
    eventually(async () => {
      const { lanes_total } = await details();
      return lanes_total === 0;
    }, 'nothing waits');

  it('are listed by conversation with their errors, and attempted at once on request', async () => {
    // After the first failure the next attempt is minutes away.
    await start({ retry_delay: 3600 });
    receiver.behave = () => ({ status: 503 });
    const { id } = await finished();
    await eventually(async () => {
      const { lanes } = await details();
      return lanes.length === 2 && lanes.every(({ state }) => state === 'retrying');
    }, 'both kinds have failed');

    const seen = await details();
    expect(seen.lanes.map(({ kind }) => kind).sort()).toEqual(['changes', 'events']);
    for (const lane of seen.lanes) {
      expect(lane).toMatchObject({ conversation_id: id, last_error: { status: 503 } });
      expect(lane.failed_attempts).toBeGreaterThan(0);
      expect(Date.parse(lane.next_attempt_at ?? '') - Date.now()).toBeGreaterThan(60_000);
      expect(Math.abs(Date.now() - Date.parse(lane.oldest_pending_at ?? ''))).toBeLessThan(60_000);
    }
    expect(seen.oldest_pending_at).toBe(seen.lanes.map((lane) => lane.oldest_pending_at).sort()[0]);
    expect(seen.recent_errors[0]).toMatchObject({ status: 503, conversation_id: id, dropped: false });

    receiver.behave = () => ({ status: 200 });
    const answer = await redeliver();
    expect(answer).toMatchObject({ status: 202, body: { conversations: 1, changes: 1 } });
    await receiver.has((it) => it.changes().length === 1, 'the change');
    await receiver.has((it) => it.events(id).at(-1)?.key === 'full_state', 'the events');
    await idle();
    const { status, body } = await redeliver();
    expect([status, (body as { detail: string }).detail]).toEqual([
      409,
      expect.stringContaining('from_event_id'),
    ]);
    expect(await redeliver({ conversation_id: id })).toMatchObject({ status: 409 });
  });

  it('are repeated from an event on, in order, also after a restart and for a closed conversation', async () => {
    await start();
    const conversation = await finished();
    const { id } = conversation;
    const stored = (await conversation.events()).map((event) => event.id);
    await receiver.has((it) => it.durable(id).length === stored.length, 'all events');
    await idle();

    const again = async (from: string): Promise<string[]> => {
      receiver.received.length = 0;
      expect(await redeliver({ conversation_id: id, from_event_id: from })).toMatchObject({ status: 202 });
      await receiver.has(
        (it) => it.durable(id).some((event) => event.id === stored.at(-1)),
        'the last event',
      );
      await idle();
      return receiver.durable(id).map((event) => event.id);
    };
    expect(await again(stored[2] ?? '')).toEqual(stored.slice(2));

    server = await server.restart();
    expect(await again(stored[1] ?? '')).toEqual(stored.slice(1));
  });

  it('survive a crash after a repetition was acknowledged', async () => {
    await start({ retry_delay: 3600 });
    const conversation = await finished();
    const { id } = conversation;
    const stored = (await conversation.events()).map((event) => event.id);
    await receiver.has((it) => it.durable(id).length === stored.length, 'all events');
    await idle();
    receiver.behave = () => ({ status: 503 });
    const answer = await redeliver({ conversation_id: id, from_event_id: stored[0] });
    expect(answer).toMatchObject({ status: 202 });
    expect((answer.body as { events: number }).events).toBeGreaterThanOrEqual(stored.length);
    await server.end('SIGKILL');
    receiver.received.length = 0;
    receiver.behave = () => ({ status: 200 });
    server = await server.restart();
    await receiver.has((it) => it.durable(id).length === stored.length, 'all events again');
    expect(receiver.durable(id).map((event) => event.id)).toEqual(stored);
  });

  it('are refused for what does not exist', async () => {
    await start();
    const { id } = await finished();
    const none = '11111111-2222-4333-8444-555555555555';
    expect(await server.request('GET', '/api/webhooks/none')).toMatchObject({ status: 404 });
    expect(await server.request('POST', '/api/webhooks/none/redeliver')).toMatchObject({ status: 404 });
    expect(await redeliver({ conversation_id: none, from_event_id: none })).toMatchObject({ status: 404 });
    expect(await redeliver({ conversation_id: id, from_event_id: 'none' })).toMatchObject({
      status: 404,
      body: { detail: 'Unknown from_event_id: none' },
    });
    expect(await redeliver({ from_event_id: 'none' })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'conversation_id'] }] },
    });
    expect(await redeliver({ conversation_id: 'no uuid' })).toMatchObject({ status: 422 });
    expect(await redeliver([])).toMatchObject({ status: 422 });
  });

  it('that are rejected for good are counted', async () => {
    await start({ num_retries: 0, retry_delay: 0 });
    receiver.behave = ({ path: at }) => ({ status: at.endsWith('/conversations') ? 410 : 200 });
    await finished();
    await eventually(async () => (await details()).dropped_changes === 1, 'the change is given up');
    expect((await details()).recent_errors[0]).toMatchObject({ status: 410, attempt: 1, dropped: true });
  });
});
