import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Automations, setClock } from '../support/automations.js';
import { makeKey, shown } from '../support/named-keys.js';
import { eventually } from '../support/server-process.js';

const KEY = 'the-session-key';

describe('automations', () => {
  let folder: string;
  let automations: Automations;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'automations-'));
    await setClock(folder, 0);
    automations = await Automations.start(folder, {
      key: KEY,
      env: {
        SESSION_API_KEY: KEY,
        OH_OWN_KEYS_LLM_PROFILES: '["tiny"]',
        OH_OWN_KEYS_SANDBOX: 'off',
        OH_MAX_AUTOMATIONS_PER_KEY: '1',
      },
    });
  });
  afterAll(async () => {
    await automations.server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('run as conversations with a title, tags, secrets and the result', async () => {
    const { server } = automations;
    await server.request('PUT', '/api/settings/secrets', { name: 'TOKEN', value: 'very-secret' });
    const { id } = await automations.create('RUN: echo got ${#TOKEN}\nFINISH: 3 items', { name: 'Digest' });
    await automations.dispatch(id);
    const [run] = await automations.settled(id, 1);
    expect(run).toMatchObject({
      status: 'COMPLETED',
      error_detail: null,
      cost: 0,
      attempt: 1,
      trigger_source: 'manual',
      run_metadata: { finish_tool_response: { status: 'success', outcome_summary: '3 items' } },
    });
    const { body } = await server.request('GET', `/api/conversations/${run?.conversation_id}`);
    expect(body).toMatchObject({
      title: expect.stringMatching(/^Digest — \d{4}-\d\d-\d\d \d\d:\d\d UTC$/) as string,
      tags: {
        automationid: id,
        automationname: 'Digest',
        automationtrigger: 'manual',
        automationrunid: run?.id,
      },
      execution_status: 'finished',
    });
    const events = await server.request('GET', `/api/conversations/${run?.conversation_id}/events/search`);
    expect(JSON.stringify(events.body)).toContain('got 11');
    const page = (await automations.ask('GET', `/${id}/runs`)).body;
    expect(page).toMatchObject({ total: 1, status_counts: { COMPLETED: 1 } });
  });

  it('are stopped for real when a run is cancelled, or takes too long, which is tried again', async () => {
    const { id } = await automations.create('WAIT: 100\nFINISH: late');
    await automations.dispatch(id);
    const { id: runId, conversation_id } = await automations.working(id);
    const cancelled = await automations.ask('POST', `/runs/${runId}/cancel`);
    expect(cancelled).toMatchObject({
      status: 200,
      body: { status: 'CANCELLED', error_detail: 'Cancelled by user' },
    });
    const { body } = await automations.server.request('GET', `/api/conversations/${conversation_id}`);
    expect(body).toMatchObject({ execution_status: 'paused' });
    expect((await automations.ask('POST', `/runs/${runId}/cancel`)).status).toBe(409);
    const change = { timeout: 1, max_retries: 1, retry_pause: 1 };
    expect((await automations.ask('PATCH', `/${id}`, change)).status).toBe(200);
    await automations.dispatch(id);
    const runs = await automations.settled(id, 3);
    expect(
      runs.slice(0, 2).map(({ status, attempt, status_detail }) => [status, attempt, status_detail?.kind]),
    ).toEqual([
      ['FAILED', 2, 'timeout'],
      ['FAILED', 1, 'timeout'],
    ]);
    expect(runs[0]?.error_detail).toBe('Timed out: the run took longer than its limit of 1 seconds');
  });

  it('are switched off after failures that do not pass, with the reason', async () => {
    const { id } = await automations.create('FAIL: 401 wrong key');
    for (let count = 1; count <= 3; count += 1) {
      await automations.dispatch(id);
      await automations.settled(id, count);
    }
    const { enabled, disabled_reason } = await automations.get(id);
    expect(enabled).toBe(false);
    expect(disabled_reason).toMatch(/^Switched off after 3 runs in a row .*LLMAuthenticationError/);
    const refused = await automations.ask('POST', `/${id}/dispatch`);
    expect(refused).toMatchObject({ status: 409, body: { detail: expect.any(String) as string } });
    expect(await automations.ask('PATCH', `/${id}`, { enabled: true })).toMatchObject({
      body: { enabled: true, disabled_reason: null, consecutive_failures: 0 },
    });
  });

  it('never wait for a confirmation', async () => {
    const { server } = automations;
    const asks = (confirmation_mode: boolean) =>
      server.request('PATCH', '/api/settings', {
        conversation_settings_diff: { confirmation_mode, security_analyzer: null },
      });
    await asks(true);
    const { id } = await automations.create('RUN: ls\nFINISH: done');
    await automations.dispatch(id);
    const [run] = await automations.settled(id, 1);
    await asks(false);
    expect(run).toMatchObject({ status: 'FAILED', status_detail: { kind: 'blocked', transient: false } });
  });

  it('wait for each other, also those that others start when they end', async () => {
    const first = await automations.create('FINISH: from the first', { name: 'First' });
    const trigger = { type: 'chain', automation_id: first.id };
    const second = await automations.create('FINISH: second', { trigger });
    // A circle ends where it began.
    await automations.ask('PATCH', `/${first.id}`, { trigger: { type: 'chain', automation_id: second.id } });
    await Promise.all([automations.dispatch(first.id), automations.dispatch(first.id)]);
    const runs = await automations.settled(second.id, 2);
    expect(runs.map(({ status, trigger_source }) => [status, trigger_source])).toEqual([
      ['COMPLETED', 'chain'],
      ['COMPLETED', 'chain'],
    ]);
    const firsts = await automations.settled(first.id, 4);
    expect(firsts.map(({ status }) => status).sort()).toEqual([
      'COMPLETED',
      'COMPLETED',
      'SKIPPED',
      'SKIPPED',
    ]);
    expect(firsts.find(({ status }) => status === 'SKIPPED')?.error_detail).toBe(
      'This automation has led to itself',
    );
    const text = await automations.server.request(
      'GET',
      `/api/conversations/${runs[0]?.conversation_id}/events/search`,
    );
    expect(JSON.stringify(text.body)).toContain('from the first');
  });

  it('are made once for a template, refused with the field that is wrong, and gone once deleted', async () => {
    const template = { id: 'sync', version: '1', config: { repository: 'a/b' } };
    const { id } = await automations.create('x', { template });
    const again = {
      name: 'Other',
      prompt: 'y',
      trigger: { type: 'manual' },
      template: { ...template, version: '2' },
    };
    expect(await automations.ask('POST', '/preset/prompt', again)).toMatchObject({
      status: 200,
      body: { id },
    });
    const cron = (schedule: string, timezone = 'UTC') => ({ trigger: { type: 'cron', schedule, timezone } });
    for (const [draft, loc] of [
      [cron('0 25 * * *'), ['body', 'trigger', 'cron', 'schedule']],
      [cron('0 0 31 2 *'), ['body', 'trigger', 'cron', 'schedule']],
      [cron('* * * * *', 'Mars'), ['body', 'trigger', 'cron', 'timezone']],
      [{ repos: 'a/b' }, ['body', 'repos', 'provider']],
      [{ timeout: 100_000 }, ['body', 'timeout']],
      [{ model: 'none' }, ['body', 'model']],
      [{ oddity: 1 }, ['body', 'oddity']],
    ] as const) {
      const request = { name: 'Bad', prompt: 'x', trigger: { type: 'manual' }, ...draft };
      const { status, body } = await automations.ask('POST', '/preset/prompt', request);
      expect([draft, status, (body as { detail: { loc: string[] }[] }).detail[0]?.loc]).toEqual([
        draft,
        422,
        loc,
      ]);
      const checked = await automations.ask('POST', '/validate', {
        endpoint: '/v1/preset/prompt',
        draft: request,
      });
      expect(checked).toMatchObject({ status: 200, body: { valid: false } });
    }
    // What answers add to a trigger comes back.
    const shownTrigger = {
      type: 'cron',
      schedule: '0 9 * * 1',
      timezone: 'Europe/Berlin',
      schedule_human: 'x',
    };
    expect(await automations.ask('PATCH', `/${id}`, { trigger: shownTrigger })).toMatchObject({
      body: {
        trigger: { schedule_human: 'Every Monday at 09:00 (Europe/Berlin)' },
        timezone: 'Europe/Berlin',
      },
    });
    const archive = await automations.ask('GET', `/${id}/tarball`);
    expect(archive.headers.get('content-type')).toBe('application/x-tar');
    expect(String(archive.body)).toContain('"kind": "automation"');
    expect((await automations.ask('POST', '', {})).status).toBe(501);
    expect((await automations.ask('DELETE', `/${id}`)).status).toBe(204);
    for (const route of [`/${id}`, `/${id}/runs`])
      expect((await automations.ask('GET', route)).status).toBe(404);
  });

  const itWithFiles = process.env['TEST_CLUSTER'] === undefined ? it : it.skip;
  itWithFiles('leave nothing behind, and one that is damaged keeps no other from running', async () => {
    const stored = path.join(folder, 'workspace', 'conversations', '.automations');
    const files = async () => (await readdir(stored)).filter((name) => name.endsWith('.jsonl')).sort();
    const before = await files();
    const damaged = await automations.create('x');
    await appendFile(path.join(stored, `${damaged.id}.jsonl`), '{"definition":{"trigger":7}}\n');
    const { id } = await automations.create('WAIT: 300\nFINISH: late');
    expect(await automations.get(damaged.id)).toMatchObject({
      enabled: false,
      disabled_reason: expect.stringMatching(/^What is stored of it is damaged: name, trigger/) as string,
    });
    await automations.dispatch(id);
    const run = await automations.working(id);
    // It is kept as long as its run goes on.
    for (const one of [damaged.id, id]) await automations.ask('DELETE', `/${one}`);
    expect(await files()).toEqual([...before, `${id}.jsonl`].sort());
    await automations.server.request('POST', `/api/conversations/${run.conversation_id}/interrupt`);
    await eventually(async () => (await files()).length === before.length, 'no file of the deleted ones');
    expect(await files()).toEqual(before);
  });

  it('belong to the key that made them, and work with what it may use', async () => {
    const { server } = automations;
    await server.request('POST', '/api/profiles/tiny', { llm: { model: 'scripted/demo', api_key: 'x' } });
    const { key, id: keyId } = await makeKey(server, { reach: 'own' });
    const own = automations.as(shown(key));
    const others = await automations.create('x');
    const made = await own.create('RUN: pwd\nFINISH: mine', { model: 'tiny' });
    expect(made['owner_key']).toBe(keyId);
    expect((await own.ask('GET', '')).body).toMatchObject({ total: 1, automations: [{ id: made.id }] });
    for (const [method, route] of [
      ['GET', `/${others.id}`],
      ['PATCH', `/${others.id}`],
      ['POST', `/${others.id}/dispatch`],
      ['DELETE', `/${others.id}`],
      ['GET', `/${others.id}/runs`],
    ] as const)
      expect([
        method,
        route,
        (await own.ask(method, route, method === 'PATCH' ? {} : undefined)).status,
      ]).toEqual([method, route, 404]);
    const request = { name: 'Second', prompt: 'x', trigger: { type: 'manual' } };
    const refusals = [{ model: 'tiny' }, {}, { model: 'tiny', repos: [{ url: 'file:///etc' }] }];
    const statuses = await Promise.all(
      refusals.map(async (more) => (await own.ask('POST', '/preset/prompt', { ...request, ...more })).status),
    );
    expect(statuses).toEqual([429, 422, 403]);
    await own.dispatch(made.id);
    const [run] = await own.settled(made.id, 1);
    expect(run).toMatchObject({ status: 'COMPLETED' });
    expect(
      (await server.request('GET', `/api/conversations/${run?.conversation_id}`, undefined, shown(key)))
        .status,
    ).toBe(200);
  });
});
