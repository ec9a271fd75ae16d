import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { rawRequest } from '../support/raw-request.js';
import { ServerProcess } from '../support/server-process.js';
import { mutated, mutation } from './mutation.js';
import { operationsOf, type FuzzedOperation } from './operations.js';
import type { SchemaValues } from './schema-values.js';

/**
 * Operations that are not fuzzed: those that run commands or contact other machines; questions to an agent
 * and trials of models, which depend on the model; the initialisation of a server, which happens once; and
 * aliases, which have the same handlers.
 */
const LEFT_OUT = [
  /^\w+ \/conversations/,
  /\/(ask_agent|validate|(execute|start)_bash_command)$/,
  /\/(install|fetch|sync|refresh|marketplace|test|oauth\/start)$/,
  /^POST \/api\/(init|acp\/models)$/,
  /^\w+ \/api\/(llm\/(subscription|models\/verified)|git\/repositories|vscode\/url)/,
];
const isFuzzed = (name: string): boolean => !LEFT_OUT.some((pattern) => pattern.test(name));
/** For another or a longer run: `FUZZ_SEED=7 FUZZ_REQUESTS=50000`. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 5);
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 1500);

/** No answer takes longer (ms) unless the server stalls. */
const PATIENCE_MS = 5_000;

/** A request that is valid by the document, or has one fault. */
interface FuzzedRequest {
  operation: FuzzedOperation;
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

const UNKNOWN = '00000000-0000-0000-0000-000000000001';
const PATH_PARTS = [
  'x',
  '%00',
  'a%00b',
  '%0A',
  '%F0%9F%98%80',
  '%ED%A0%80',
  '%FF',
  '%',
  '%zz',
  '..%2F..%2Fetc',
  '%7B%7D',
  '-1',
  'constructor',
  '__proto__',
  '%C0%AF',
  '%2500',
  '%252e%252e%252f',
  '%u0041',
  '.',
  '%2E%2E',
  'a%2Fb',
  '%5C',
  '%3F%23',
  '%20+',
  'x'.repeat(4000),
  '%C3%A9'.repeat(600),
];
const QUERY_VALUES = [
  ...PATH_PARTS,
  'known',
  'event',
  'workdir',
  '',
  '1',
  '0',
  '101',
  '1e3',
  '9'.repeat(400),
  'NaN',
  '2026-11-24',
  'TIMESTAMP_DESC',
  '[]',
  '{}',
  'a&a=b',
  'a;b=c',
];
/** Appended to the query. */
const QUERY_TAILS = [
  '&',
  '&=',
  '&&=&x',
  '&x[]=1&x[a]=2',
  '&%zz=1',
  '&%00=%00',
  '&__proto__[a]=1',
  '&x'.repeat(1000),
];
const CONTENT_TYPES = ['text/plain', 'multipart/form-data', 'application/json; charset=latin1', 'x', ';', ''];
const HEADER_VALUES = ['', 'x', '{"a":1}', '[1]', '{', 'a,b', '\u00ff', 'y'.repeat(2000)];
const BODIES = [
  '',
  'null',
  '"x"',
  '[]',
  '{',
  '\uFEFF{}',
  '{"a":1}x',
  new Uint8Array([0xff, 0xfe]),
  new Uint8Array(3),
];

/** The words for parameters of paths that name something else than a conversation. */
const KNOWN_WORDS: Readonly<Record<string, string>> = {
  event_id: 'event',
  automation_id: 'automation',
  terminal_id: 'terminal',
};

describe('a server with fuzzed requests', () => {
  let server: ServerProcess;
  let folder: string;
  /** Replacements for the words `known`, `event`, `automation` and `terminal` in paths and queries. */
  let known: { conversation: string; event: string; automation: string; terminal: string };
  let operations: FuzzedOperation[];
  let values: SchemaValues;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'fuzz-'));
    // Files are read and written only in this folder, whatever a path says.
    server = await ServerProcess.start({ cwd: folder, env: { HOME: folder, OH_FILE_ROOT: folder } });
    await writeFile(path.join(server.cwd, 'a-file'), '');
    const { body } = await server.request('GET', '/openapi.json');
    const described = operationsOf(body);
    operations = described.operations.filter(({ name }) => isFuzzed(name));
    values = described.values;
    await createKnown();
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function createKnown(): Promise<void> {
    const conversation = await ConversationClient.create(server, scriptedRequest('work', 'SAY: hi'));
    await conversation.reaches('finished');
    const [event] = await conversation.events();
    const automation = await server.request('POST', '/api/automation/v1/preset/prompt', {
      name: 'known',
      prompt: 'FINISH: done',
      trigger: { type: 'manual' },
    });
    const terminal = await server.request('POST', `/api/conversations/${conversation.id}/terminals`, {});
    known = {
      conversation: conversation.id,
      event: event?.id ?? '',
      automation: (automation.body as { id: string }).id,
      terminal: (terminal.body as { id: string }).id,
    };
    // Named resources have the id of the conversation as their name.
    const { id } = conversation;
    await server.request('POST', `/api/profiles/${id}`, { llm: { model: 'scripted/x' } });
    await server.request('POST', `/api/agent-profiles/${id}`, { llm_profile_ref: id });
    const classes = [{ description: 'any', model: id }];
    await server.request('POST', `/api/meta-profiles/${id}`, { classifier_model: id, classes });
    await server.request('POST', `/api/settings/mcp/${id}`, { command: 'x' });
  }

  function requestOf(operation: FuzzedOperation): fc.Arbitrary<FuzzedRequest> {
    const one = (items: readonly string[]) => fc.constantFrom(...items);
    const ids = operation.pathNames.map((name) => {
      const good = fc.constant(KNOWN_WORDS[name] ?? 'known');
      return fc.oneof({ weight: 6, arbitrary: good }, fc.constant(UNKNOWN), one(PATH_PARTS));
    });
    const names = one([...operation.queryNames, 'x', '__proto__']);
    // The folder of the conversation, because most random paths do not exist.
    const path: [string, string][] = operation.queryNames.includes('path') ? [['path', 'workdir']] : [];
    // The same name may occur twice, followed by anything.
    const pair = fc.tuple(names, one(QUERY_VALUES));
    const tail = fc.oneof({ weight: 9, arbitrary: fc.constant('') }, one(QUERY_TAILS));
    const query = fc
      .tuple(fc.oneof(fc.constant([]), fc.array(pair, { maxLength: 3 })), tail)
      .map(([pairs, end]) => search([...path, ...pairs]) + end);
    const given = fc.dictionary(
      one([...operation.headerNames, 'x-any', 'if-none-match']),
      one(HEADER_VALUES),
      {
        maxKeys: 1,
      },
    );
    const type = fc.oneof({ weight: 9, arbitrary: fc.constant('application/json') }, one(CONTENT_TYPES));
    return fc
      .tuple(fc.tuple(...ids), query, given, type, bodyOf(operation))
      .map(([parts, pairs, headers, contentType, body]) => ({
        operation,
        path: pathOf(operation, parts) + pairs,
        headers: { ...headers, ...(body.length > 0 && framed(contentType, body)) },
        body,
      }));
  }

  function bodyOf(operation: FuzzedOperation): fc.Arbitrary<string | Uint8Array> {
    const raw = fc.oneof(fc.constantFrom(...BODIES), fc.uint8Array());
    if (operation.body === undefined) return fc.oneof({ weight: 8, arbitrary: fc.constant('') }, raw);
    const valid = fc.nat().map((seed) => values.make(operation.body, seed));
    return fc.oneof(
      { weight: 3, arbitrary: valid.map((value) => JSON.stringify(value)) },
      { weight: 6, arbitrary: fc.tuple(valid, mutation).map(([value, change]) => mutated(value, change)) },
      { weight: 1, arbitrary: raw },
    );
  }

  it('answers with a declared status and shape, and never with 500', async () => {
    // All violations, each with its first example: one defect must not hide another.
    const violations = new Map<string, string>();
    const reached = new Set<string>();
    for (const [index, operation] of operations.entries()) {
      const numRuns = Math.ceil(REQUESTS / operations.length);
      for (const fuzzed of fc.sample(requestOf(operation), { seed: SEED + index, numRuns })) {
        const begin = performance.now();
        const { status, text, headers } = await send(fuzzed);
        if (performance.now() - begin > PATIENCE_MS)
          violations.set(`${operation.name}: took too long`, example(fuzzed));
        if (status < 300) reached.add(operation.name);
        if (/^DELETE .*\/conversations\//.test(operation.name) && status === 200) await createKnown();
        const isJson = headers['content-type']?.startsWith('application/json') ?? false;
        const violation = violationOf(fuzzed, status, isJson ? JSON.parse(text) : text);
        const what = `${operation.name}: ${violation ?? ''}`.slice(0, 300);
        if (violation !== undefined && !violations.has(what)) violations.set(what, example(fuzzed));
      }
    }
    expect(Object.fromEntries(violations)).toEqual({});
    // Requests that are always refused test little. Some operations cannot succeed here: extensions, sign-
    // ins, a condenser, scripts and webhooks of automations.
    expect(reached.size).toBeGreaterThan(operations.length * 0.57);
    expect((await server.request('GET', '/alive')).status).toBe(200);
  }, 3_600_000);

  function send({ operation: { method }, path: template, headers, body }: FuzzedRequest) {
    const route = template
      .replaceAll(/(?<=[/=])known\b/g, known.conversation)
      .replaceAll(/(?<=[/=])event\b/g, known.event)
      .replaceAll(/(?<=\/v1\/)automation\b/g, known.automation)
      .replaceAll(/(?<=[/=])terminal\b/g, known.terminal)
      .replaceAll(/(?<==)workdir\b/g, encodeURIComponent(path.join(server.cwd, 'work')));
    return rawRequest(server.url, {
      method,
      path: route,
      headers,
      body,
      isEndless: template.includes('/events/stream'),
    });
  }
});

function pathOf({ path: template, pathNames }: FuzzedOperation, parts: readonly string[]): string {
  return pathNames.reduce(
    (path, name, index) => path.replace(`{${name}}`, () => parts[index] ?? ''),
    template,
  );
}

function search(pairs: readonly (readonly [string, string])[]): string {
  return `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`;
}

function violationOf(
  { operation, path: route }: FuzzedRequest,
  status: number,
  body: unknown,
): string | undefined {
  // 502, 503 and 504 may be declared. 500 must not happen.
  if (status === 500) return `status ${status}: ${JSON.stringify(body)}`;
  // A path that cannot be decoded or matches another route is not a request for this operation.
  if (/%(?![0-9A-Fa-f]{2})|%FF|%ED%A0%80/.test(route.split('?')[0] ?? '') && [400, 404].includes(status))
    return;
  return operation.complaint(status, body);
}

/** The headers of a body. Node does not add a length to GET requests. */
function framed(contentType: string, body: string | Uint8Array): Record<string, string> {
  return { 'content-type': contentType, 'content-length': String(Buffer.byteLength(body)) };
}

function example({ path: route, headers, body }: FuzzedRequest): string {
  return `${route.slice(0, 300)} ${JSON.stringify(headers).slice(0, 200)} ${Buffer.from(body).toString('latin1').slice(0, 1500)}`;
}
