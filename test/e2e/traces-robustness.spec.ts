import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from '../support/checkout.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { OtlpReceiver } from '../support/otlp-receiver.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const PRELOAD = path.join(ROOT, 'test/support/loaded-modules.cjs');
const SECRET = 'hush-hush-value';
/** Too short to be masked wherever it stands, but in what belongs to its conversation. */
const PIN = 'p1n-5';
const LINE_OF_KEY = 'QUFBQkJCQ0NDREREUVdFUlRZVUlP';
const LONG_SECRET = 'begin-of-it'.repeat(12);
const CONTENT = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';

/** A line of the log about a receiver that fails. */
const WARNING = /traces: (?!to )/g;

describe('traces and their receiver', () => {
  let receiver: OtlpReceiver;
  let server: ServerProcess;
  beforeEach(async () => {
    receiver = await OtlpReceiver.start();
  });
  afterEach(async () => {
    await receiver.close();
    await server.stop();
  });

  async function start(env: Record<string, string>): Promise<void> {
    server = await ServerProcess.start({ env, nodeOptions: ['--require', PRELOAD] });
  }
  const create = (script: string, more: Record<string, unknown> = {}) =>
    ConversationClient.create(server, scriptedRequest(path.join(server.cwd, 'work'), script, more));
  const loaded = async () => (await readFile(path.join(server.cwd, 'loaded'), 'utf8')).split('\n');
  const isTelemetry = (file: string): boolean => /@opentelemetry|\bopentelemetry-[\w-]+\.cjs$/.test(file);

  it('loads nothing of OpenTelemetry while traces are off', async () => {
    const bundle = path.join(ROOT, 'dist/current/bundle');
    const names = (await readdir(bundle)).filter((name) => name.endsWith('.cjs'));
    const codes = await Promise.all(names.map((name) => readFile(path.join(bundle, name), 'utf8')));
    // All of it is in one file, which the rest of the test looks for.
    const withCode = names.filter((_, index) =>
      /class BatchSpanProcessor|OTLPTraceExporter/.test(codes[index] ?? ''),
    );
    expect(withCode).toEqual([expect.stringMatching(/^opentelemetry-/)]);
    await start({ LOADED_MODULES: 'loaded' });
    await (await create('FINISH: done')).reaches('finished');
    await server.end();
    expect((await loaded()).length).toBeGreaterThan(1);
    expect((await loaded()).filter(isTelemetry)).toEqual([]);
  });

  it('sends the last spans at a shutdown, and contents only if they are wanted, without secrets', async () => {
    const env = {
      OTEL_ENDPOINT: receiver.url,
      OTEL_HEADERS: 'x-team=a%20b',
      [CONTENT]: 'true',
      LOADED_MODULES: 'loaded',
    };
    await start(env);
    const values = { TOKEN: SECRET, PIN, KEY: `-----\n${LINE_OF_KEY}\n-----\n`, LONG: LONG_SECRET };
    const secrets = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { kind: 'StaticSecret', value }]),
    );
    const lines = [`RUN: echo "$TOKEN $((40 + 2))" # ${PIN} ${LINE_OF_KEY}`, 'RUN: sleep 1000'];
    // Cut within a secret.
    lines.push(`SAY: ${`${LONG_SECRET} `.repeat(200)}`);
    const conversation = await create(lines.join('\n'), { secrets });
    await eventually(
      async () => (await conversation.events('&kind=ActionEvent')).length === 2,
      'the last action',
    );
    // The spans wait five seconds otherwise.
    expect(await server.end()).toBe(0);
    expect((await loaded()).filter(isTelemetry)).toHaveLength(1);
    const [run] = receiver.named('invoke_agent Agent');
    expect(run?.attributes['openhands.run.status']).toBe('interrupted');
    const [tool] = receiver.named('execute_tool terminal');
    expect(tool?.attributes['gen_ai.tool.call.arguments']).toContain('echo');
    expect(tool?.attributes['gen_ai.tool.call.result']).toBe('<secret-hidden> 42');
    const [chat] = receiver.named('chat scripted/test');
    expect(String(chat?.attributes['gen_ai.input.messages'])).toContain('"role":"user"');
    expect(String(chat?.attributes['gen_ai.output.messages'])).toContain('"type":"tool_call"');
    const sent = Buffer.concat(receiver.exports.map(({ body }) => body));
    for (const text of [SECRET, PIN, LINE_OF_KEY, 'begin-of-it'])
      expect([text, sent.includes(text)]).toEqual([text, false]);
    expect(receiver.exports[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-team': 'a b' } });
  });

  it('works as without traces while the receiver refuses, hangs or is away', async () => {
    receiver.mode = 400;
    await start({
      ...receiver.env,
      LOADED_MODULES: 'loaded',
      OTEL_BSP_MAX_QUEUE_SIZE: '20',
      OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
    });
    await (await create('RUN: true\nFINISH: done')).reaches('finished');
    await eventually(() => receiver.exports.length >= 2, 'two refused requests');
    await receiver.close();
    await (await create('RUN: true\nFINISH: done')).reaches('finished');
    receiver.mode = 'hang';
    await receiver.up();
    for (let round = 0; round < 2; round += 1)
      await (await create('RUN: true\nFINISH: done')).reaches('finished');
    const log = await server.flushedLog();
    expect(log.match(WARNING)).toHaveLength(1);
    expect(log).not.toContain('unhandled');
    const began = performance.now();
    expect(await server.end()).toBe(0);
    expect(performance.now() - began).toBeLessThan(8_000);
  });
});
