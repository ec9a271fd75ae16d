import { randomUUID } from 'node:crypto';
import { asJsonObject } from '../../src/json/index.js';
import { CommandProgram } from '../support/command-program.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { OriginalConversation } from '../support/original-conversation.js';
import { trajectoryZip } from '../support/trajectory-zip.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { usageOf } from '../support/usage-fixture.js';

const ADMIN = 'the-key-of-the-administrator';
const MAX_BYTES = 200_000;

describe('POST /api/conversations/import', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({
      key: ADMIN,
      env: {
        SESSION_API_KEY: ADMIN,
        OH_MAX_UPLOAD_BYTES: String(MAX_BYTES),
        OH_OWN_KEYS_SANDBOX: 'off',
      },
    });
  });
  afterAll(() => server.stop());

  /** Sends an archive as a form or as the body itself. */
  async function send(
    zip: Buffer | string,
    { query = '', key = ADMIN, type }: { query?: string; key?: string; type?: string } = {},
  ) {
    const form = new FormData();
    form.append('file', new Blob([zip]), 'conversation.zip');
    const response = await fetch(`${server.url}/api/conversations/import${query}`, {
      method: 'POST',
      headers: { ...shown(key), ...(type !== undefined && { 'content-type': type }) },
      body: type === undefined ? form : zip,
    });
    const body = asJsonObject(await response.json().catch(() => ({})));
    return { status: response.status, body, text: JSON.stringify(body) };
  }

  const idOf = (answer: { body: Record<string, unknown> }): string =>
    String(asJsonObject(answer.body['conversation'])['id']);

  it('takes the trajectory of a conversation, which then goes on', async () => {
    const request = scriptedRequest(server.cwd, 'RUN: seq 1 20000\nRUN: echo two\nFINISH: done', {
      tags: { team: 'blue' },
      max_budget_per_run: 5,
    });
    const client = await ConversationClient.create(server, request);
    await client.reaches('finished');
    const before = { info: await client.info(), events: await client.events() };
    const download = await fetch(`${server.url}/api/file/download-trajectory/${client.id}`, {
      headers: shown(ADMIN),
    });
    const zip = Buffer.from(await download.arrayBuffer());
    expect((await server.request('DELETE', client.route)).status).toBe(200);

    const trial = await send(zip, { query: '?dry_run=true' });
    expect(trial).toMatchObject({ status: 200, body: { outcome: 'imported', conversation: null } });
    const imported = await send(zip);
    expect(imported).toMatchObject({ status: 201, body: { outcome: 'imported', report: { problems: [] } } });
    expect(imported.text).toContain('usage rebuild');
    expect(await client.info()).toEqual(before.info);
    expect(await client.events()).toEqual(before.events);
    expect(await send(zip, { type: 'application/octet-stream' })).toMatchObject({
      status: 200,
      body: { outcome: 'same' },
    });
    await client.send('RUN: echo next\nFINISH: went on');
    await eventually(async () => {
      const { body } = await server.request('GET', `${client.route}/agent_final_response`);
      return asJsonObject(body)['response'] === 'went on';
    }, 'an answer');
  });

  it('refuses what it cannot take, and takes a different conversation under a new id', async () => {
    const one = new OriginalConversation();
    const zip = await trajectoryZip([one]);
    expect((await send(zip)).status).toBe(201);
    const other = await trajectoryZip([new OriginalConversation({ id: one.id })]);
    const conflict = await send(other);
    expect(conflict).toMatchObject({ status: 409 });
    expect(conflict.text).toContain('a different conversation with this id is here');
    const renamed = await send(other, { query: '?new_id=true' });
    expect(renamed.status).toBe(201);
    expect(idOf(renamed)).not.toBe(one.id);

    const two = await trajectoryZip([new OriginalConversation(), new OriginalConversation()]);
    const statuses = [
      [await send('no zip'), 422, 'it is no zip'],
      [await send(two), 422, 'has 2 conversations'],
      [await send(await trajectoryZip([], { 'a.txt': 'x' })), 422, 'a zip without a conversation'],
      [await send(await trajectoryZip([one], { '../../out.txt': 'x' })), 422, 'invalid relative path'],
      [await send(zip.subarray(0, zip.length / 2)), 422, 'it is no zip'],
      [await send(Buffer.alloc(MAX_BYTES + 1)), 413, `the limit is ${MAX_BYTES} bytes`],
      [await send('{}', { type: 'application/json' }), 415, 'Unsupported content type'],
      [await send(zip, { query: '?time_zone=Nowhere' }), 422, 'unknown time zone'],
    ] as const;
    for (const [answer, status, text] of statuses) {
      expect(answer).toMatchObject({ status });
      expect(answer.text).toContain(text);
    }
    // A file that says that it is huge: the bound is on what it says, and it may not be more than that.
    const bomb = Buffer.from(await trajectoryZip([new OriginalConversation()]));
    const directory = bomb.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
    bomb.writeUInt32LE(0xfffffff0, directory + 24);
    expect(await send(bomb)).toMatchObject({ status: 422 });
  });

  it('bounds what a small archive costs', async () => {
    const deep = await trajectoryZip([new OriginalConversation()], { [`${'a/'.repeat(30_000)}x`]: 'x' });
    expect(await send(deep)).toMatchObject({ status: 422 });
    // Each value takes many times its length in memory.
    const values = new OriginalConversation({ base: { agent_state: { list: Array(600_000).fill(0) } } });
    const large = await send(await trajectoryZip([values]));
    expect(large.text).toContain('base_state.json cannot be read: JSON of more than 500000 values');
    const long = new OriginalConversation({ base: { agent_state: { text: 'x'.repeat(17 * 1024 * 1024) } } });
    expect((await send(await trajectoryZip([long]))).text).toContain(
      'base_state.json cannot be read: it has',
    );
    const names = Array.from({ length: 50 }, (_, index) => ({ name: `tool_${index}` }));
    const terminal = { name: 'terminal', params: { response_schema: 5 } };
    const one = new OriginalConversation({ agent: { tools: [terminal, ...names] } });
    const command = { id: 'a'.repeat(32), kind: 'BashCommand', timestamp: '2026-03-01T10:00:00.000000Z' };
    const bash = JSON.stringify({ ...command, x: 0 }).replace(
      '0}',
      `${'['.repeat(9_000)}${']'.repeat(9_000)}}`,
    );
    const file = `${one.hex}/bash_events/20260301100000_BashCommand_${command.id}`;
    const tools = await send(await trajectoryZip([one], { [file]: bash }));
    expect(tools.status).toBe(201);
    expect(tools.text).toContain('the tool tool_0 is unknown here');
    expect(tools.text).toContain('the tool terminal is left out: response_schema must be a JSON Schema');
    expect(tools.text).toContain('is damaged');
    // Each invalid field would be one more attempt to read all of them.
    const wrong = Object.fromEntries(Array.from({ length: 2_500 }, (_, index) => [`t${index}`, index]));
    const tagged = new OriginalConversation({ base: { tags: { ...wrong, team: 'blue' } } });
    const left = await send(await trajectoryZip([tagged]));
    expect(left.text).toContain('tags.t9 is left out');
    expect(asJsonObject(left.body['conversation'])['tags']).toEqual({ team: 'blue' });
  });

  it('notices damage that a checksum shows, loops of parents, and costs below zero', async () => {
    const one = new OriginalConversation({
      base: { stats: { usage_to_metrics: { agent: { accumulated_cost: -5, costs: [{ cost: -5 }] } } } },
    });
    const last = one.events.findLast(({ kind }) => kind !== 'ConversationStateUpdateEvent');
    Object.assign(last ?? {}, { parent_id: last?.['id'] });
    const zip = Buffer.from(await trajectoryZip([one], { [`${one.hex}/TASKS.json`]: '[]' }));
    // The checksum of the last entry.
    const entry = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
    zip.writeUInt32LE(zip.readUInt32LE(entry + 16) ^ 1, entry + 16);
    const imported = await send(zip);
    expect(imported.status).toBe(201);
    expect(imported.text).toContain('TASKS.json is left out: it cannot be unpacked: its checksum is wrong');
    expect(imported.text).not.toContain(':-5');
    const route = `/api/conversations/${one.id}/agent_final_response`;
    expect(await server.request('GET', route)).toMatchObject({ status: 200, body: { response: '' } });
  });

  it('gives a key that reaches its own conversations only what it may have', async () => {
    const [mine, others] = [await makeKey(server, { reach: 'own' }), await makeKey(server, { reach: 'own' })];
    const conversation = new OriginalConversation({
      workingDir: '/etc',
      meta: { plugins: [{ source: '/x' }] },
    });
    const call = {
      id: 'forged',
      model: 'scripted/test',
      key_id: others.id,
      conversation_id: randomUUID(),
      cost: 7,
    };
    conversation.update('stats', { usage_to_metrics: {}, call }, conversation.head);
    const zip = await trajectoryZip([conversation]);
    expect((await send(zip, { key: 'wrong' })).status).toBe(401);
    const imported = await send(zip, { key: mine.key });
    expect(imported.status).toBe(201);
    const { workspace } = asJsonObject(imported.body['conversation']);
    expect(asJsonObject(workspace)['working_dir']).toContain(`${mine.id}/${conversation.hex}`);
    const route = `/api/conversations/${conversation.id}`;
    expect((await server.request('GET', route, undefined, shown(mine.key))).status).toBe(200);
    expect((await server.request('GET', route, undefined, shown(others.key))).status).toBe(404);
    const taken = await send(zip, { key: others.key });
    expect(taken).toMatchObject({ status: 409 });
    expect(taken.text).not.toContain('event');
    // Uploads that never end: the second is refused, others of the server are not.
    const leaving = new AbortController();
    const endless = () =>
      fetch(`${server.url}/api/conversations/import`, {
        method: 'POST',
        headers: { ...shown(others.key), 'content-type': 'application/zip' },
        body: new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from('P')) }),
        duplex: 'half',
        signal: leaving.signal,
      });
    const uploads = [endless(), endless()];
    expect((await Promise.race(uploads)).status).toBe(429);
    expect((await send('no zip')).status).toBe(422);
    leaving.abort();
    await Promise.allSettled(uploads);
    await eventually(async () => (await send('no zip', { key: others.key })).status === 422, 'its turn');
    // What it says that models have cost, and whom, is not believed: it could spend the budgets of all.
    const rebuilt = await CommandProgram.run(server.cwd, 'usage', ['rebuild']);
    expect(rebuilt.code).toBe(0);
    const ofKey = async (id: string) => (await usageOf(server, `from=2026-01-01&key=${id}`)).total.cost;
    expect([await ofKey(mine.id), await ofKey(others.id)]).toEqual([0, 0]);
    const model = new OriginalConversation({ llm: { model: 'openai/gpt-5.6' } });
    const refused = await send(await trajectoryZip([model]), { key: mine.key });
    expect(refused).toMatchObject({ status: 403 });
    expect(refused.text).toContain('has no `api_key`');
  });
});
