import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { Ledger } from '../support/ledger.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { canMount } from '../support/small-disk.js';

const run = promisify(execFile);

/** Starts a server with its conversations on a separate file system, which can be remounted read-only. */
const OWN_DISK = [
  'unshare',
  '-rm',
  'sh',
  '-c',
  'mount -t tmpfs -o size=8m,mode=700 none workspace/conversations && exec "$@"',
  'sh',
];
const FEW_FILES = ['sh', '-c', 'ulimit -n 48 && exec "$@"', 'sh'];

const mountable = await canMount();
if (!mountable)
  process.stderr.write('no test of a read-only folder: this machine lets nobody mount a tmpfs\n');

describe('a server whose data folder fails while it runs', () => {
  let folder: string;
  let server: ServerProcess;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    await mkdir(path.join(folder, 'workspace/conversations'), { recursive: true });
  });
  afterEach(async () => {
    await server.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  const request = () => scriptedRequest(path.join(folder, 'work'));
  const remount = (mode: string) =>
    run('nsenter', [
      ...['-t', String(server.pid), '-U', '-m', '--preserve-credentials'],
      ...['mount', '-o', `remount,${mode}`, path.join(folder, 'workspace/conversations')],
    ]);

  (mountable ? it : it.skip)(
    'answers 503 while the folder is read-only, still reads, and recovers',
    async () => {
      server = await ServerProcess.start({ cwd: folder, wrapper: OWN_DISK });
      const conversation = await ConversationClient.create(server, request());
      // An open log would keep the file system from being remounted read-only, so there are no events yet.
      await remount('ro');
      for (const [method, route, body] of [
        ['POST', `${conversation.route}/events`, userMessage('two')],
        ['POST', '/api/conversations', request()],
        ['PATCH', conversation.route, { title: 'x' }],
      ] as const) {
        const answer = await server.request(method, route, body);
        expect({ route, ...answer }).toMatchObject({ route, status: 503 });
        expect(JSON.stringify(answer.body)).toContain('EROFS');
      }
      expect(await conversation.events()).toEqual([]);
      expect(await conversation.status()).toBe('idle');
      expect((await server.request('GET', '/ready')).status).toBe(200);
      await remount('rw');
      await conversation.send('three', false);
      expect((await conversation.events('&kind=MessageEvent')).length).toBe(1);
      await ConversationClient.create(server, request());
    },
  );

  it('answers 503 when it runs out of file handles, loses no conversation, and recovers', async () => {
    server = await ServerProcess.start({ cwd: folder, wrapper: FEW_FILES });
    const made: ConversationClient[] = [];
    let refusal: { status: number; body: unknown } | undefined;
    for (let index = 0; index < 60 && !refusal; index += 1) {
      const answer = await server.request('POST', '/api/conversations', request());
      if (answer.status === 201) {
        const conversation = new ConversationClient(server, (answer.body as { id: string }).id);
        const sent = await server.request('POST', `${conversation.route}/events`, userMessage('x'));
        if (sent.status === 200) made.push(conversation);
        else refusal = sent;
      } else refusal = answer;
    }
    expect(refusal).toMatchObject({ status: 503 });
    expect(JSON.stringify(refusal?.body)).toMatch(/EMFILE/);
    for (const conversation of made.slice(0, 3)) await server.request('DELETE', conversation.route);
    for (const conversation of made.slice(3)) {
      expect((await conversation.events('&kind=MessageEvent')).length).toBe(1);
    }
    await ConversationClient.create(server, request());
  });

  it('survives connections that use up its file handles, and keeps what it acknowledged', async () => {
    server = await ServerProcess.start({ cwd: folder, wrapper: FEW_FILES });
    const ledger = new Ledger();
    const conversations = [await ledger.create(server, request()), await ledger.create(server, request())];
    const { port } = new URL(server.url);
    const idle = Array.from({ length: 80 }, () =>
      connect(Number(port), '127.0.0.1').on('error', () => undefined),
    );
    // Connections without a free handle are closed at once.
    await eventually(() => Promise.resolve(idle.some(({ closed }) => closed)), 'the end of the handles');
    for (let index = 0; index < 20; index += 1) {
      for (const conversation of conversations) {
        if (conversation) await ledger.say(conversation, `SAY: ${index}`, index % 5 === 0).catch(() => false);
      }
    }
    for (const socket of idle) socket.destroy();
    await eventually(
      () =>
        server.request('GET', '/ready').then(
          ({ status }) => status === 200,
          () => false,
        ),
      'an answer',
    );
    for (const conversation of conversations) {
      expect(conversation && (await ledger.say(conversation, 'RUN: echo again\nFINISH: ok', true))).toBe(
        true,
      );
    }
    await ledger.check(server);
  });
});
