import path from 'node:path';
import { SocketClient, type Frame } from '../sockets/socket-client.js';
import { acpRequest, steps } from '../support/acp.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { twoServersForTests } from '../support/two-servers.js';

/** The fields of a summary that tests read. */
interface SeenSummary {
  id: string;
  title: string | null;
  waits_for: string | null;
  reason: string | null;
  reason_is_whole: boolean;
  activity: { kind: string; tool: string | null; step: number; since: string } | null;
  updated_at: string;
  [field: string]: unknown;
}

interface SeenPage {
  items: SeenSummary[];
  next_page_id: string | null;
}

async function page(server: ServerProcess, query = ''): Promise<SeenPage> {
  const { status, body } = await server.request('GET', `/api/conversations/summaries?${query}`);
  if (status !== 200) throw new Error(`summaries answered ${status}: ${JSON.stringify(body)}`);
  return body as SeenPage;
}

async function summaryOf({ server, id }: ConversationClient): Promise<SeenSummary | undefined> {
  return (await page(server, 'limit=1000')).items.find((item) => item.id === id);
}

/** The last summary of a conversation that a socket has received. */
function lastOf(frames: Frame[], id: string): SeenSummary | undefined {
  const summaries = frames.flatMap((frame) =>
    frame['type'] === 'summary' ? [frame['summary'] as SeenSummary] : [],
  );
  return summaries.findLast((summary) => summary.id === id);
}

async function watch(server: ServerProcess): Promise<SocketClient> {
  const client = await SocketClient.connect(server.socketUrl('/sockets/conversations'));
  expect(await client.frame(0)).toEqual({ type: 'ready', time: expect.any(String) as string });
  return client;
}

const CONFIRM = { confirmation_policy: { kind: 'AlwaysConfirm' } };

const fixture = ServerFixture.forTests();

describe('what conversations wait for', () => {
  it('names the action that waits for a confirmation, in one line and with its secrets masked', async () => {
    const started = Date.now();
    const conversation = await fixture.create('RUN: echo s3cr3t-token\\nline two\nFINISH: done', {
      ...CONFIRM,
      secrets: { TOKEN: { kind: 'StaticSecret', value: 's3cr3t-token' } },
      tags: { team: 'docs' },
    });
    await conversation.reaches('waiting_for_confirmation');
    const summary = await summaryOf(conversation);
    expect(summary).toMatchObject({
      execution_status: 'waiting_for_confirmation',
      waits_for: 'confirmation',
      reason_is_whole: true,
      activity: null,
      tags: { team: 'docs' },
      model: 'scripted/test',
      agent_kind: 'Agent',
      working_dir: fixture.workspace,
      parent_conversation_id: null,
      max_budget_per_run: null,
    });
    expect(summary?.reason).toMatch(/^terminal: echo <secret-hidden>/);
    expect(summary?.reason).not.toContain('\n');
    expect(Date.parse(String(summary?.['waits_since']))).toBeGreaterThanOrEqual(started - 1);

    await conversation.post('events/respond_to_confirmation', { accept: false });
    expect(await summaryOf(conversation)).toMatchObject({ waits_for: null, waits_since: null, reason: null });
  });

  it('says that a reason is not whole when it is long or stands for several actions', async () => {
    const long = await fixture.create(`RUN: echo ${'x'.repeat(1000)}`, CONFIRM);
    const several = await fixture.create('RUN: echo one && RUN: echo two', CONFIRM);
    await long.reaches('waiting_for_confirmation');
    await several.reaches('waiting_for_confirmation');
    const summary = await summaryOf(long);
    expect(summary).toMatchObject({ reason_is_whole: false });
    expect(summary?.reason).toHaveLength(300);
  });

  it('tells a question from an answer, and both from a finished task', async () => {
    const asks = await fixture.run('SAY: I have looked at it.\\n\\nWhich database should I use?');
    const answers = await fixture.run('SAY: It is at https://example.com/?q=1');
    const finishes = await fixture.run('FINISH: Is it good?');
    const about = await Promise.all([asks, answers, finishes].map(summaryOf));
    expect(about.map((summary) => summary?.waits_for)).toEqual(['question', null, null]);
    expect(about[0]?.reason).toContain('Which database should I use?');
    await asks.send('FINISH: The small one.');
    await eventually(async () => (await summaryOf(asks))?.waits_for === null, 'the answer');
  });

  it('tells an error from a limit that is reached', async () => {
    const failing = await fixture.create('FAIL: 400 the model is out of order');
    const limited = await fixture.create('RUN: echo one\nRUN: echo two\nFINISH: x', { max_iterations: 1 });
    await failing.reaches('error');
    await limited.reaches('error');
    const error = await summaryOf(failing);
    expect(error).toMatchObject({ waits_for: 'error' });
    expect(error?.reason).toMatch(/^LLM\w+: .*the model is out of order/);
    const limit = await summaryOf(limited);
    expect(limit).toMatchObject({ waits_for: 'budget', activity: null });
    expect(limit?.reason).toMatch(/^MaxIterationsReached: /);
  });

  it('asks for the decision that an external agent waits for', async () => {
    const request = acpRequest(
      fixture.workspace,
      steps([
        'ask',
        { toolCallId: 'a', title: 'Delete the data', kind: 'delete', rawInput: { path: '/data' } },
      ]),
      CONFIRM,
    );
    const conversation = await ConversationClient.create(fixture.server, request);
    await conversation.reaches('waiting_for_confirmation');
    expect(await summaryOf(conversation)).toMatchObject({
      waits_for: 'confirmation',
      reason: 'Delete the data: /data',
      agent_kind: 'ACPAgent',
    });
  });

  it('says what a run does, and with which tool', async () => {
    const conversation = await fixture.create('RUN: sleep 60\nFINISH: x');
    await eventually(async () => (await summaryOf(conversation))?.activity?.kind === 'tool', 'the tool');
    expect((await summaryOf(conversation))?.activity).toEqual({
      kind: 'tool',
      tool: 'terminal',
      step: 1,
      since: expect.stringMatching(/Z$/) as string,
    });
    await conversation.post('interrupt');
    expect(await summaryOf(conversation)).toMatchObject({ activity: null, execution_status: 'paused' });
    const thinking = await fixture.create('WAIT: 60\nFINISH: x');
    await eventually(async () => (await summaryOf(thinking))?.activity?.kind === 'model', 'the model');
    await thinking.post('interrupt');
  });

  it('names the parent of a child', async () => {
    const parent = await fixture.run('FINISH: x');
    const { body } = await parent.post('children', { task: 'FINISH: y', isolation: 'shared' });
    const child = new ConversationClient(
      fixture.server,
      (body as { conversation_id: string }).conversation_id,
    );
    expect(await summaryOf(child)).toMatchObject({ parent_conversation_id: parent.id });
  });
});

describe('pages of summaries', () => {
  // Pages are compared with all conversations of a server.
  const own = ServerFixture.forTests();

  it('lead through all conversations, latest update first, also when one is updated meanwhile', async () => {
    const all: ConversationClient[] = [];
    for (let n = 0; n < 5; n += 1) all.push(await own.create(undefined, { title: `number ${n}` }));
    const first = await page(own.server, 'limit=2');
    expect(first.items.map(({ id }) => id)).toEqual([all[4]?.id, all[3]?.id]);
    const last = all[3];
    await own.server.request('PATCH', last?.route ?? '', { title: 'now the latest' });
    const second = await page(own.server, `limit=2&page_id=${first.next_page_id}`);
    expect(second.items.map(({ id }) => id)).toEqual([all[2]?.id, all[1]?.id]);
    const third = await page(own.server, `limit=2&page_id=${second.next_page_id}`);
    expect(third).toMatchObject({ items: [{ id: all[0]?.id }], next_page_id: null });
    expect((await page(own.server, 'limit=1')).items[0]).toMatchObject({ title: 'now the latest' });
  });

  it('refuse a page that no answer has named, and more than a thousand summaries', async () => {
    for (const query of ['page_id=nowhere', 'limit=1001', 'limit=0', 'status=busy'])
      expect((await own.server.request('GET', `/api/conversations/summaries?${query}`)).status).toBe(422);
  });

  it('show only one status', async () => {
    const idle = await own.create();
    await own.run('FINISH: x');
    const { items } = await page(own.server, 'status=finished&limit=1000');
    expect(items.length).toBeGreaterThan(0);
    expect(items.map(({ id }) => id)).not.toContain(idle.id);
  });
});

describe('summaries of conversations that are not open', () => {
  it('are the same as before the server was restarted, and a run that it cut off says so', async () => {
    let server = await ServerProcess.start({ env: { OH_SECRET_KEY: 'key' } });
    const workspace = path.join(server.cwd, 'work');
    const create = (script: string, more = {}): Promise<ConversationClient> =>
      ConversationClient.create(server, scriptedRequest(workspace, script, more));
    const waiting = await create('RUN: echo s3cr3t-token', {
      ...CONFIRM,
      secrets: { TOKEN: { kind: 'StaticSecret', value: 's3cr3t-token' } },
    });
    const failed = await create('FAIL: 400 broken');
    const asked = await create('SAY: Which one?');
    const running = await create('RUN: sleep 60');
    await waiting.reaches('waiting_for_confirmation');
    await failed.reaches('error');
    await asked.reaches('finished');
    await running.startsTool();
    const before = (await page(server)).items.filter(({ id }) => id !== running.id);

    server = await server.restart('SIGKILL');
    const cutOff = running.on(server);
    await eventually(async () => (await summaryOf(cutOff))?.waits_for === 'error', 'the restart');
    expect((await summaryOf(cutOff))?.reason).toMatch(/^ServerRestarted: /);
    const after = (await page(server)).items.filter(({ id }) => id !== running.id);
    expect(after.map(({ id, waits_for, reason }) => ({ id, waits_for, reason }))).toEqual(
      before.map(({ id, waits_for, reason }) => ({ id, waits_for, reason })),
    );
    await server.stop();
  });
});

describe('the socket of all conversations', () => {
  it('sends each change of status, title and activity, and what is deleted', async () => {
    const client = await watch(fixture.server);
    const conversation = await fixture.create('RUN: echo one\nFINISH: x', CONFIRM);
    await client.until((frames) => lastOf(frames, conversation.id)?.waits_for === 'confirmation');
    await fixture.server.request('PATCH', conversation.route, { title: 'A new title' });
    await client.until((frames) => lastOf(frames, conversation.id)?.title === 'A new title');
    await conversation.send('WAIT: 60\nFINISH: x');
    await client.until((frames) => lastOf(frames, conversation.id)?.activity?.kind === 'model');
    expect((await fixture.server.request('DELETE', conversation.route)).status).toBe(200);
    await client.until((frames) =>
      frames.some(({ type, id }) => type === 'removed' && id === conversation.id),
    );
    client.socket.close();
    await client.closed;
  });

  it('sends a conversation that changes often only now and then', async () => {
    const client = await watch(fixture.server);
    const conversation = await fixture.create();
    const started = performance.now();
    for (let n = 0; n < 100; n += 1)
      await fixture.server.request('PATCH', conversation.route, { title: `title ${n}` });
    await client.until((frames) => lastOf(frames, conversation.id)?.title === 'title 99');
    const intervals = (performance.now() - started) / 250;
    const seen = client.frames.filter((frame) => lastOf([frame], conversation.id) !== undefined);
    expect(seen.length).toBeLessThan(intervals + 4);
    client.socket.close();
    await client.closed;
  });

  it('ignores what a client says, and closes with 1012 when the server stops', async () => {
    const server = await ServerProcess.start();
    const client = await watch(server);
    client.send({ role: 'user', content: 'hello' });
    client.send('{');
    await server.end();
    expect((await client.closed).code).toBe(1012);
    await server.stop();
  });

  it('takes no more sockets than the configuration allows', async () => {
    const server = await ServerProcess.start({ env: { OH_MAX_SOCKET_SUBSCRIBERS: '1' } });
    const first = await watch(server);
    const second = await SocketClient.connect(server.socketUrl('/sockets/conversations'));
    expect((await second.closed).code).toBe(1013);
    first.socket.close();
    await first.closed;
    await server.stop();
  });

  it('needs the key, in the query or in the first frame', async () => {
    const key = 'the-key';
    const server = await ServerProcess.start({ env: { OH_SESSION_API_KEYS_0: key }, key });
    const route = server.socketUrl('/sockets/conversations');
    expect((await SocketClient.connect(`${route}?session_api_key=wrong`)).refused?.status).toBe(403);
    const wrong = await SocketClient.connect(route);
    wrong.send({ type: 'auth', session_api_key: 'wrong' });
    expect((await wrong.closed).code).toBe(4001);
    const right = await SocketClient.connect(route);
    right.send({ type: 'auth', session_api_key: key });
    expect(await right.frame(0)).toMatchObject({ type: 'ready' });
    const other = await SocketClient.connect(`${route}?session_api_key=${key}`);
    expect(await other.frame(0)).toMatchObject({ type: 'ready' });
    right.socket.close();
    other.socket.close();
    await Promise.all([right.closed, other.closed]);
    await server.stop();
  });
});

describe('conversations of another server in the same folder', () => {
  const both = twoServersForTests();

  it('are listed, and their changes and deletion arrive on the socket', async () => {
    const [owner, other] = both.servers as [ServerProcess, ServerProcess];
    const client = await watch(other);
    const workspace = path.join(both.folder, 'work');
    const mine = await ConversationClient.create(owner, scriptedRequest(workspace, 'RUN: echo', CONFIRM));
    await mine.reaches('waiting_for_confirmation');
    await client.until((frames) => lastOf(frames, mine.id)?.waits_for === 'confirmation');
    expect(await summaryOf(mine.on(other))).toMatchObject({ reason: 'terminal: echo' });
    expect((await owner.request('DELETE', mine.route)).status).toBe(200);
    await client.until((frames) => frames.some(({ type, id }) => type === 'removed' && id === mine.id));
    client.socket.close();
    await client.closed;
  });
});
