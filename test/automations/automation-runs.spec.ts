import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Automations, type SeenRun, setClock } from '../support/automations.js';
import { eventually } from '../support/server-process.js';
import { signed } from '../support/signed-deliveries.js';

const SECRET = 'the secret of the sender';
const LLM = { input_cost_per_token: 0.000_001, output_cost_per_token: 0.000_01, num_retries: 0 };

describe('runs of automations', () => {
  let folder: string;
  let automations: Automations;
  const start = () =>
    Automations.start(folder, {
      env: { OH_MAX_CONCURRENT_RUNS: '2', OH_RESUME_ON_START: 'true', OH_SECRET_KEY: 'secret' },
    });
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'automations-'));
    await setClock(folder, 0);
    automations = await start();
    await automations.server.request('PATCH', '/api/settings', { agent_settings_diff: { llm: LLM } });
  });
  afterAll(async () => {
    await automations.server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const phasesOf = async (id: string) =>
    (await automations.runs(id)).map(({ status, phase_code }) => [status, phase_code]);
  const conversation = async (run: SeenRun | undefined) =>
    (await automations.server.request('GET', `/api/conversations/${run?.conversation_id}`)).body as {
      execution_status: string;
      title: string;
    };
  const steer = (run: SeenRun, method: string, route = '') =>
    automations.server.request(method, `/api/conversations/${run.conversation_id}${route}`);

  it('wait for a free slot of the server in its queue, which their time limit does not count', async () => {
    const slow = await automations.create('WAIT: 300\nFINISH: late', { overlap: 'parallel' });
    await automations.dispatch(slow.id);
    await automations.dispatch(slow.id);
    // Both at the same time: nothing of the server is left.
    await eventually(
      async () => (await phasesOf(slow.id)).every(([, phase]) => phase === 'running_agent'),
      'two runs at work',
    );
    const quick = await automations.create('FINISH: done', { timeout: 1 });
    await automations.dispatch(quick.id);
    const isQueued = async () => (await phasesOf(quick.id))[0]?.join() === 'RUNNING,queued';
    await eventually(isQueued, 'a run that waits for a slot');
    const { body } = await automations.server.request('GET', '/api/run_queue');
    const [waiting] = await automations.runs(quick.id);
    expect(JSON.stringify(body)).toContain(waiting?.conversation_id);
    expect(waiting?.['timeout_at']).toBeNull();
    // Longer than its time limit.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await isQueued()).toBe(true);
    const [first, second] = await automations.runs(slow.id);
    await automations.ask('POST', `/runs/${first?.id}/cancel`);
    expect(await automations.settled(quick.id, 1)).toMatchObject([{ status: 'COMPLETED' }]);
    await automations.ask('POST', `/runs/${second?.id}/cancel`);
  });

  it('are cancelled when a person pauses or deletes their conversation, and not repeated', async () => {
    const { id } = await automations.create('WAIT: 300\nFINISH: late', { max_retries: 3, retry_pause: 1 });
    for (const [method, route, reason] of [
      ['POST', '/interrupt', /paused the conversation/],
      ['DELETE', '', /deleted the conversation/],
    ] as const) {
      await automations.dispatch(id);
      const run = await automations.working(id);
      expect((await steer(run, method, route)).status).toBe(200);
      await automations.settled(id, 1);
      expect(await automations.run(id, run.id)).toMatchObject({
        status: 'CANCELLED',
        error_detail: expect.stringMatching(reason) as string,
      });
    }
    expect(await automations.runs(id)).toHaveLength(2);
  });

  it('say what has failed where clients look for the result', async () => {
    const { id } = await automations.create('RUN: echo 1\nRUN: echo 2\nFINISH: done', {
      max_budget: 0.000_001,
    });
    await automations.dispatch(id);
    const [run] = await automations.settled(id, 1);
    expect(run).toMatchObject({
      status: 'FAILED',
      error_detail: expect.stringMatching(/budget/i) as string,
      run_metadata: {
        finish_tool_response: { status: 'failed', outcome_summary: run?.error_detail },
      },
    });
  });

  it('take one variant each, which is told, and which repetitions keep', async () => {
    const plugin = path.join(folder, 'plugin', '.plugin');
    await mkdir(plugin, { recursive: true });
    await writeFile(path.join(plugin, 'plugin.json'), '{"name": "nothing", "version": "1.0.0"}');
    const plugins = [{ source: path.dirname(plugin) }];
    const names = ['a', 'b', 'c', 'd'];
    const request = {
      ...{
        name: 'Experiment',
        prompt: 'FAIL: 500 broken',
        trigger: { type: 'manual' },
        experiment_id: 'which',
      },
      variants: names.map((name) => ({ name, weight: 1, plugins })),
      ...{ max_retries: 2, retry_pause: 1 },
    };
    const { status, body } = await automations.ask('POST', '/preset/plugin', request);
    expect([status, body]).toEqual([201, expect.anything()]);
    const { id } = body as { id: string };
    await automations.dispatch(id);
    const runs = await automations.settled(id, 3);
    expect(runs.map(({ status, attempt }) => [status, attempt])).toEqual([
      ['FAILED', 3],
      ['FAILED', 2],
      ['FAILED', 1],
    ]);
    const taken = runs.map(({ run_metadata }) => (run_metadata as { variant: string }).variant);
    expect(names).toContain(taken[0]);
    expect(new Set(taken).size).toBe(1);
    expect(runs[0]).toMatchObject({ run_metadata: { experiment_id: 'which' } });
  });

  it('of one subject cost what they add, and wake the agent only if they are to', async () => {
    const webhook = { ...{ name: 'Hub', source: 'hub', signature_scheme: 'github' }, webhook_secret: SECRET };
    const made = (await automations.ask('POST', '/webhooks', webhook)).body as { webhook_url: string };
    const trigger = {
      ...{ type: 'event', source: 'hub', on: 'push', destination: 'continue_conversation' },
      ...{ subject_key_expr: 'subject', turn_text_expr: 'text' },
    };
    const { id } = await automations.create('FINISH: begun', { trigger });
    const push = async (text: string): Promise<SeenRun> => {
      const content = { secret: SECRET, payload: { subject: 'a', text }, id: text, now: Date.now() };
      const { body, headers } = signed('github', content);
      const url = new URL(new URL(made.webhook_url).pathname, automations.server.url);
      expect((await fetch(url, { method: 'POST', body, headers })).status).toBe(200);
      await automations.settled(id, (await automations.runs(id)).length);
      const [run] = await automations.runs(id);
      if (!run) throw new Error('no run');
      return run;
    };
    const first = await push('FINISH: one');
    const second = await push('FINISH: two');
    expect(second).toMatchObject({ status: 'COMPLETED', conversation_id: first.conversation_id });
    const costs = async () => {
      const { body } = await automations.server.request(
        'GET',
        `/api/usage?conversation_id=${first.conversation_id}`,
      );
      return (body as { total: { calls: number; cost: number } }).total;
    };
    const total = await costs();
    expect(total.calls).toBe(2);
    expect(Number(first['cost']) + Number(second['cost'])).toBeCloseTo(total.cost, 9);
    await automations.ask('PATCH', `/${id}`, { trigger: { ...trigger, wake_agent: false } });
    const third = await push('FINISH: three');
    expect(third).toMatchObject({ status: 'COMPLETED', conversation_id: first.conversation_id, cost: 0 });
    const events = await steer(third, 'GET', '/events/search?limit=100');
    expect(JSON.stringify(events.body)).toContain('FINISH: three');
    expect((await costs()).calls).toBe(2);
  });

  it('go on after a kill where the server resumes what was at work', async () => {
    const { id } = await automations.create('RUN: echo x\nWAIT: 1\nFINISH: done');
    await automations.dispatch(id);
    const run = await automations.working(id);
    await automations.server.end('SIGKILL');
    automations = await start();
    const runs = await automations.settled(id, 1);
    expect(runs).toMatchObject([{ id: run.id, status: 'COMPLETED', attempt: 1 }]);
    expect((await conversation(runs[0])).execution_status).toBe('finished');
  });

  it('stay completed after a crash that outlasts their time limit, and start what follows them once', async () => {
    const { id } = await automations.create('FINISH: done', { timeout: 60, max_retries: 1, retry_pause: 1 });
    const trigger = { type: 'chain', automation_id: id, on: ['COMPLETED'] };
    const follower = await automations.create('FINISH: after it', { trigger });
    const { id: run } = await automations.dispatch(id);
    await automations.settled(follower.id, 1);
    await automations.settled(id, 1);
    await automations.server.end('SIGKILL');
    // The end of the run was the last that was written about its automation.
    const file = path.join(folder, 'workspace/conversations/.automations', `${id}.jsonl`);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.pop()).toContain('"COMPLETED"');
    await writeFile(file, `${lines.join('\n')}\n`);
    await setClock(folder, 3_600_000);
    automations = await start();
    expect(await automations.settled(id, 1)).toMatchObject([{ id: run, status: 'COMPLETED', attempt: 1 }]);
    expect(await automations.settled(follower.id, 1)).toHaveLength(1);
  });
});
