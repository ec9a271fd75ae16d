import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  brief,
  ConversationClient,
  messageText,
  scriptedRequest,
  userMessage,
} from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { canMount } from '../support/small-disk.js';

/** In a namespace of its own a process may mount: a small disk over the folder of the conversations. */
const SMALL_DISK = [
  'unshare',
  '-rm',
  'sh',
  '-c',
  'mount -t tmpfs -o size=1m,mode=700 none workspace/conversations && exec "$@"',
  'sh',
];

const mountable = await canMount();
if (!mountable) process.stderr.write('no tests of a full disk: this machine lets nobody mount a tmpfs\n');

const containing = (words: string): unknown => expect.stringContaining(words);
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

(mountable ? describe : describe.skip)('a server whose disk becomes full', () => {
  let folder: string;
  let server: ServerProcess;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    await mkdir(path.join(folder, 'workspace/conversations'), { recursive: true });
    server = await ServerProcess.start({ cwd: folder, wrapper: SMALL_DISK });
  });
  afterEach(async () => {
    await server.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  /** A path on the disk that only the server sees. */
  const onDisk = (name: string): string =>
    path.join('/proc', String(server.pid), 'root', folder, 'workspace/conversations', name);
  const request = (script?: string) => scriptedRequest(path.join(folder, 'work'), script);
  const fill = (): Promise<void> =>
    writeFile(onDisk('filler'), Buffer.alloc(2 * 1024 * 1024)).then(
      () => {
        throw new Error('the disk is larger than it should be');
      },
      (error: unknown) => expect(error).toMatchObject({ code: 'ENOSPC' }),
    );
  const makeRoom = (): Promise<void> => rm(onDisk('filler'));

  /** Sends messages until one is refused; answers the texts that were taken, and the refusal. */
  async function sendUntilRefused(conversation: ConversationClient) {
    const taken: string[] = [];
    for (;;) {
      const text = `${taken.length} ${'x'.repeat(2_000)}`;
      const answer = await server.request('POST', `${conversation.route}/events`, userMessage(text));
      if (answer.status !== 200) return { taken, answer };
      taken.push(text);
    }
  }

  const textsOf = async (conversation: ConversationClient): Promise<unknown[]> => {
    const messages = await conversation.events('&kind=MessageEvent');
    return messages.map(messageText);
  };

  it('answers 507, keeps what it acknowledged, still reads and deletes, and recovers when there is space', async () => {
    const [kept, removed] = [
      await ConversationClient.create(server, request('FINISH: one')),
      await ConversationClient.create(server, request()),
    ];
    await kept.reaches('finished');
    await fill();
    const { taken, answer } = await sendUntilRefused(kept);
    expect(answer.status).toBe(507);
    expect(answer.body).toMatchObject({
      detail: containing('The disk of the server is full'),
      exception: containing('ENOSPC'),
      error_id: matching(/^[\da-f]{32}$/),
    });
    const created = await server.request('POST', '/api/conversations', request());
    expect(created.status).toBe(507);
    expect((await server.request('PATCH', kept.route, { title: 'new' })).status).toBe(507);

    expect((await server.request('GET', '/health')).status).toBe(200);
    expect((await server.request('GET', '/ready')).status).toBe(200);
    expect(await textsOf(kept)).toEqual(['FINISH: one', ...taken]);
    const list = await server.request('GET', '/api/conversations/search');
    expect((list.body as { items: { id: string }[] }).items.map(({ id }) => id)).toEqual([
      removed.id,
      kept.id,
    ]);
    expect((await server.request('DELETE', removed.route)).status).toBe(200);
    expect((await removed.info()) as unknown).toEqual({ detail: 'Not Found' });

    await makeRoom();
    await kept.send('FINISH: two');
    await kept.reaches('finished');
    expect(await textsOf(kept)).toEqual(['FINISH: one', ...taken, 'FINISH: two']);
    await ConversationClient.create(server, request());
    const { body } = await server.request('GET', '/api/conversations/count');
    expect(body).toBe(2);
    // The log contains no part of what was refused.
    const log = await readFile(onDisk(`${kept.id.replaceAll('-', '')}/events.jsonl`), 'utf8');
    for (const line of log.trimEnd().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  it('ends a run with an error that it records by itself when there is space', async () => {
    const script = `RUN: until [ -e go ]; do sleep 0.2; done; head -c 20000 /dev/zero | tr '\\0' x\nFINISH: ok`;
    const conversation = await ConversationClient.create(server, request(script));
    await conversation.startsTool();
    const socket = await conversation.listen();
    await fill();
    await writeFile(path.join(folder, 'work/go'), '');
    expect(await conversation.reaches('error')).toBe('error');
    expect((await server.request('GET', '/api/conversations/count?status=error')).body).toBe(1);
    await makeRoom();
    await socket.sees(({ kind }) => kind === 'ConversationErrorEvent', 'the reason');
    const events = await conversation.events();
    expect(events.slice(-3).map(brief)).toEqual([
      'AgentErrorEvent',
      'ConversationErrorEvent',
      'execution_status=error',
    ]);
    expect(events.at(-2)).toMatchObject({
      code: 'StorageFailedError',
      detail: containing('full'),
    });
    await conversation.send('FINISH: again');
    await conversation.reaches('finished');
  });

  it('restores no file while there is no room for the record of it, and goes on when there is', async () => {
    // The record of a restore of so many files does not fit into the rest of a block.
    const script = 'RUN: for i in $(seq 100); do echo 1 > a$i; done\nFINISH: ok';
    const conversation = await ConversationClient.create(server, request(script));
    await conversation.reaches('finished');
    const file = path.join(folder, 'work/a100');
    await fill();
    const refused = await conversation.post('restore', { step: '1' });
    expect(refused).toMatchObject({ status: 507, body: { exception: containing('ENOSPC') } });
    expect(await readFile(file, 'utf8')).toBe('1\n');
    await makeRoom();
    const restored = await conversation.post('restore', { step: '1' });
    expect(restored).toMatchObject({ status: 200, body: { checkpoint: { step: 2 }, failed: [] } });
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    const { body } = await server.request('GET', `${conversation.route}/checkpoints`);
    expect(body).toMatchObject({ items: [{ tool: 'restore' }, { tool: 'terminal' }] });
  });
});
