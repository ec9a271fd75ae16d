import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { breakOff, encodeRequest, type BreakOff, type RequestBytes } from '../support/broken-request.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { openHandles, type OpenHandles } from '../support/open-handles.js';
import { randomOf } from '../support/random.js';
import { rawRequest } from '../support/raw-request.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { operationsOf, type FuzzedOperation } from './operations.js';
import type { SchemaValues } from './schema-values.js';

/** For another or a longer run: `FUZZ_SEED=7 ABORT_ROUNDS=20`. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 5);
const ROUNDS = Number(process.env['ABORT_ROUNDS'] ?? 1);
/** An answer of this many bytes was streamed. */
const LONG = 100_000;
const FILES = 1_000;
/** Size of a patch in bytes: git is slow with larger ones. */
const CHANGE = 2 * 1024 * 1024;
/** Concurrent clients. */
const CLIENTS = 8;

/**
 * Complete requests of these operations would contact other servers, so they are aborted before their end.
 */
const CONTACTS_OTHER_SERVERS =
  /\/(skills\/(sync|marketplace)|skills|plugins\/(fetch|marketplace)|plugins|device\/(start|poll)|marketplace)$/;
const DELETION = 'DELETE /api/conversations/{conversation_id}';
/** Operations with streamed answers or bodies: they are aborted more often than the others. */
const STREAMED =
  /\/(archive|download|upload|workspace|execute_bash_command|\{file_path\})$|^\/v1\/|trajectory/;
const STREAMED_ROUNDS = 2;
/** More than the buffers of two sockets hold: a client that does not read stops the server in the middle. */
const LARGE = 8 * 1024 * 1024;

describe('requests that clients abort', () => {
  let server: ServerProcess;
  let folder: string;
  let before: OpenHandles;
  let conversation: ConversationClient;
  let deleted: ConversationClient;
  let operations: FuzzedOperation[];
  let values: SchemaValues;
  const at = (name: string): string => path.join(folder, name);

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'aborted-'));
    await mkdir(at('temporary'));
    server = await ServerProcess.start({
      cwd: folder,
      env: {
        TMPDIR: at('temporary'),
        HOME: at('home'),
        OH_ENABLE_VSCODE: 'false',
        OH_PRELOAD_TOOLS: 'false',
      },
    });
    const { text } = await rawRequest(server.url, { path: '/openapi.json' });
    ({ operations, values } = operationsOf(JSON.parse(text)));
    before = await handles();
    await makeWorkspace();
    conversation = await makeConversation();
    deleted = await ConversationClient.create(server, scriptedRequest('work'));
  });
  afterEach(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** But for the file of the audit log, which is opened with the first change and stays open. */
  async function handles(): Promise<OpenHandles> {
    const all = await openHandles(server.pid);
    return { ...all, files: all.files.filter((file) => !file.split(path.sep).includes('audit')) };
  }

  /** A folder with a large file, and a repository with a large change; neither can be compressed. */
  async function makeWorkspace(): Promise<void> {
    await mkdir(at('work/repository'), { recursive: true });
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@x', ...args], {
        cwd: at('work/repository'),
      });
    git('init', '-q');
    await writeFile(at('work/repository/a.txt'), 'one\n');
    git('add', '--all');
    git('commit', '-qm', 'base');
    await writeFile(at('work/repository/a.txt'), 'two\n');
    await writeFile(at('work/repository/new.bin'), noise(CHANGE));
    await writeFile(at('work/large.bin'), noise(LARGE));
    await writeFile(at('work/index.html'), '<p>hi</p>');
    // Files with names before the large one, so that answers are also aborted among small files.
    for (let index = 0; index < FILES; index += 1)
      await writeFile(at(`work/file-${index}`), noise(4096 + index));
  }

  async function makeConversation(): Promise<ConversationClient> {
    const made = await ConversationClient.create(server, scriptedRequest('work', 'SAY: hi'));
    await made.reaches('finished');
    for (let index = 0; index < 4; index += 1) await made.send(noise(1024 * 1024).toString('base64'), false);
    await mkdir(path.join(storedAt(made), 'observations'), { recursive: true });
    await writeFile(path.join(storedAt(made), 'observations/terminal_output_0.txt'), noise(LARGE));
    return made;
  }

  const storedAt = ({ id }: ConversationClient): string =>
    at(`workspace/conversations/${id.replaceAll('-', '')}`);

  /** A request for an operation, as valid as the document allows to make it. */
  function requestOf(operation: FuzzedOperation, random: () => number): RequestBytes {
    // Deletions use a separate conversation.
    const { id } = operation.name === DELETION ? deleted : conversation;
    const route = operation.pathNames.reduce(
      (text, name) => text.replace(`{${name}}`, name === 'file_path' ? 'large.bin' : id),
      operation.path,
    );
    const format = random() < 0.5 ? 'tar.gz' : 'git-delta';
    const given = { path: pathOf(operation, format, random), format, base_ref: 'HEAD' };
    const known = Object.entries(given).filter(([name]) => operation.queryNames.includes(name));
    const search = new URLSearchParams(known).toString();
    return {
      method: operation.method,
      path: search === '' ? route : `${route}?${search}`,
      ...bodyOf(operation, random),
    };
  }

  function pathOf({ path: route }: FuzzedOperation, format: string, random: () => number): string {
    if (/upload|create_directory/.test(route)) return at(`work/new-${Math.floor(random() * 1e6)}`);
    if (route.endsWith('/archive')) return at(format === 'tar.gz' ? 'work' : 'work/repository');
    return at(/\/(git|search_subdirs)/.test(route) ? 'work/repository' : 'work/large.bin');
  }

  function bodyOf(operation: FuzzedOperation, random: () => number): Pick<RequestBytes, 'headers' | 'body'> {
    if (operation.path.endsWith('/upload')) return form(noise(300_000));
    const json = (value: unknown) => ({
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
    if (operation.path.startsWith('/v1/') && operation.method === 'POST') {
      const text = 'RUN: sleep 0.1\nSAY: hello';
      return json({
        model: 'gateway',
        stream: true,
        input: text,
        messages: [{ role: 'user', content: text }],
      });
    }
    if (operation.body === undefined) return {};
    return json(values.make(operation.body, Math.floor(random() * 1e9)));
  }

  function pointsOf(operation: FuzzedOperation, bytes: Buffer, random: () => number): BreakOff[] {
    const within = (from: number, to: number): number => from + Math.floor(random() * (to - from));
    const head = bytes.indexOf('\r\n\r\n') + 4;
    const reset = (): boolean => random() < 0.5;
    const points: BreakOff[] = [{ sent: within(1, head), reset: reset() }];
    if (bytes.length > head)
      points.push({ sent: head, reset: reset() }, { sent: within(head, bytes.length), reset: reset() });
    if (CONTACTS_OTHER_SERVERS.test(operation.path)) return points;
    return [
      ...points,
      { reset: reset() },
      { received: 1, reset: reset() },
      { received: within(200, LONG), reset: reset() },
      { received: within(LONG, 2_000_000), reset: reset() },
    ];
  }

  /** Works on all items, several at a time. */
  async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const queue = [...items];
    const client = async (): Promise<void> => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  /** Expects that the server has kept no handles or files and has logged no errors. */
  async function expectNothingLeft(): Promise<void> {
    expect((await rawRequest(server.url, { path: '/health' })).status).toBe(200);
    await rawRequest(server.url, { method: 'DELETE', path: '/api/bash/bash_events' });
    for (;;) {
      const { text } = await rawRequest(server.url, { path: '/api/conversations/search?limit=100' });
      const { items } = JSON.parse(text) as { items: { id: string }[] };
      if (items.length === 0) break;
      for (const { id } of items)
        await rawRequest(server.url, { method: 'DELETE', path: `/api/conversations/${id}` });
    }
    const terminals = await rawRequest(server.url, { path: '/api/terminals' });
    for (const { id } of (JSON.parse(terminals.text) as { items: { id: string }[] }).items)
      await rawRequest(server.url, { method: 'DELETE', path: `/api/terminals/${id}` });
    let now = before;
    await eventually(
      async () => JSON.stringify((now = await handles())) === JSON.stringify(before),
      'the end of all handles',
      10_000,
    ).catch(() => expect(now).toEqual(before));
    // npm, which may start an MCP server, keeps compiled code there with Node 24.
    const left = (await readdir(at('temporary'))).filter((name) => name !== 'node-compile-cache');
    expect(left).toEqual([]);
    expect((await readdir(at('work'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const errors = server.log
      .split('\n')
      .filter((line) => /"level":"(error|fatal)"|Warning|^\s+at /.test(line));
    expect(errors).toEqual([]);
  }

  it('crash no process and leave nothing open, whatever the operation and the point of the abort', async () => {
    const random = randomOf(SEED);
    await rawRequest(server.url, {
      method: 'POST',
      path: '/api/profiles/gateway',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ llm: { model: 'scripted/x' } }),
    });
    /** Operations whose answers were aborted in the middle. */
    const left = new Set<string>();
    const attempts = operations.flatMap((operation) => {
      const rounds = STREAMED.test(operation.path) ? STREAMED_ROUNDS * ROUNDS : ROUNDS;
      return Array.from({ length: rounds }, () => encodeRequest(requestOf(operation, random))).flatMap(
        (bytes) => pointsOf(operation, bytes, random).map((point) => ({ operation, bytes, point })),
      );
    });
    await each(attempts, async ({ operation, bytes, point }) => {
      const { length } = await breakOff(server.url, bytes, point);
      if (length >= Math.max(point.received ?? Infinity, LONG)) left.add(operation.path);
    });
    // The number depends on the load of the machine.
    expect([...left].filter((route) => STREAMED.test(route)).length).toBeGreaterThan(1);
    await expectNothingLeft();
  }, 120_000);
});

/** Bytes that cannot be compressed, the same for each length. */
function noise(length: number): Buffer {
  const key = Buffer.alloc(16, String(length));
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

function form(content: Buffer): { headers: Record<string, string>; body: Buffer } {
  const head = '--limit\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n';
  return {
    headers: { 'content-type': 'multipart/form-data; boundary=limit' },
    body: Buffer.concat([Buffer.from(head), content, Buffer.from('\r\n--limit--\r\n')]),
  };
}
