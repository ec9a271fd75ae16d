import { createHmac, randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { blocksOf, follow } from '../support/document.js';
import { makeKey, shown } from '../support/named-keys.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

const SESSION = 'session-key';
const WEBHOOKS = '/api/automation/v1/webhooks';
const SECRET = 'the secret of the sender';

interface Webhook {
  id: string;
  webhook_url: string;
  webhook_secret: string | null;
}

interface Answer {
  matched: number;
  runs_created: string[];
  conversations_continued: string[];
}

interface Run {
  id: string;
  status: string;
  conversation_id: string | null;
}

describe('events for automations', () => {
  const fixture = ServerFixture.forTests({
    key: SESSION,
    env: { SESSION_API_KEY: SESSION, OH_SECRET_KEY: 'secret' },
  });
  const request = (method: string, route: string, body?: unknown, headers?: Record<string, string>) =>
    fixture.server.request(method, route, body, headers);

  async function makeWebhook(fields: Record<string, unknown>): Promise<Webhook> {
    const { status, body } = await request('POST', WEBHOOKS, { name: 'A source', ...fields });
    expect([status, body]).toEqual([201, expect.anything()]);
    return body as Webhook;
  }

  async function makeAutomation(trigger: Record<string, unknown>, prompt = 'FINISH: Done.'): Promise<string> {
    await request('POST', '/api/profiles/scripted', { llm: { model: 'scripted/demo' } });
    const fields = { name: 'On events', prompt, model: 'scripted', trigger: { type: 'event', ...trigger } };
    const { status, body } = await request('POST', '/api/automation/v1/preset/prompt', fields);
    expect([status, body]).toEqual([201, expect.anything()]);
    return (body as { id: string }).id;
  }

  /** Sends bytes as another system does: without a key. */
  async function deliver(webhook: Webhook, body: string, headers: Record<string, string>) {
    const url = new URL(new URL(webhook.webhook_url).pathname, fixture.server.url);
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });
    return { status: answer.status, body: (await answer.json()) as Answer };
  }

  /** Sends an event as GitHub does. */
  function fromGitHub(
    webhook: Webhook,
    event: string,
    payload: object,
    id: string = randomUUID(),
    secret = SECRET,
  ) {
    const body = JSON.stringify(payload);
    return deliver(webhook, body, {
      'X-GitHub-Event': event,
      'X-GitHub-Delivery': id,
      'X-Hub-Signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    });
  }

  async function runsOf(id: string): Promise<Run[]> {
    const { body } = await request('GET', `/api/automation/v1/${id}/runs`);
    return (body as { runs: Run[] }).runs;
  }

  const github = { source: '', signature_scheme: 'github', webhook_secret: SECRET };

  it('start the automations that match, and none that does not', async () => {
    const webhook = await makeWebhook({ ...github, source: 'matching' });
    const all = await makeAutomation({ source: 'matching', on: ['push', 'issues.*'] });
    const main = await makeAutomation({
      source: 'matching',
      on: 'push',
      filter: "glob(ref, 'refs/heads/m*')",
    });
    await makeAutomation({ source: 'elsewhere', on: '*' });
    const other = await fromGitHub(webhook, 'push', { ref: 'refs/heads/side' });
    expect(other).toMatchObject({ status: 200, body: { matched: 1, runs_created: [expect.any(String)] } });
    const both = await fromGitHub(webhook, 'push', { ref: 'refs/heads/main' });
    expect(both.body).toMatchObject({ matched: 2, conversations_continued: [] });
    const opened = await fromGitHub(webhook, 'issues', { action: 'opened' });
    expect(opened.body.matched).toBe(1);
    expect((await fromGitHub(webhook, 'ping', { zen: 'Keep it simple.' })).body.matched).toBe(0);
    expect(await runsOf(all)).toHaveLength(3);
    expect(await runsOf(main)).toHaveLength(1);
  });

  it('become a conversation that knows the event', async () => {
    const webhook = await makeWebhook({ ...github, source: 'telling' });
    const id = await makeAutomation({ source: 'telling', on: 'push' });
    await fromGitHub(webhook, 'push', { ref: 'refs/tags/v1' });
    await eventually(async () => (await runsOf(id))[0]?.status === 'COMPLETED', 'the run is done');
    const conversation = (await runsOf(id))[0]?.conversation_id ?? '';
    const { body } = await request('GET', `/api/conversations/${conversation}/events/search?limit=20`);
    expect(JSON.stringify(body)).toContain('refs/tags/v1');
    expect(JSON.stringify(body)).not.toContain(SECRET);
  });

  it('are all taken when many of one sender come at once', async () => {
    const webhook = await makeWebhook({ ...github, source: 'bursts' });
    const burst = Array.from({ length: 20 }, (_, n) => fromGitHub(webhook, 'push', { n }));
    expect((await Promise.all(burst)).map(({ status }) => status)).toEqual(burst.map(() => 200));
  });

  it('are accepted once for each delivery, also after a kill', async () => {
    const webhook = await makeWebhook({ ...github, source: 'repeating' });
    const id = await makeAutomation({ source: 'repeating', on: 'push' });
    expect((await fromGitHub(webhook, 'push', { n: 1 }, 'delivery-1')).body.runs_created).toHaveLength(1);
    expect((await fromGitHub(webhook, 'push', { n: 1 }, 'delivery-1')).body.runs_created).toEqual([]);
    await fixture.restart('SIGKILL');
    expect((await fromGitHub(webhook, 'push', { n: 1 }, 'delivery-1')).body.runs_created).toEqual([]);
    expect((await fromGitHub(webhook, 'push', { n: 2 }, 'delivery-2')).body.runs_created).toHaveLength(1);
    expect(await runsOf(id)).toHaveLength(2);
  });

  it('of one subject go to one conversation', async () => {
    const webhook = await makeWebhook({ ...github, source: 'subjects' });
    const id = await makeAutomation({
      source: 'subjects',
      on: 'issue_comment.*',
      destination: 'continue_conversation',
      subject_key_expr: 'issue.number',
      turn_text_expr: 'comment.body',
    });
    const comment = (number: number, text: string) =>
      fromGitHub(webhook, 'issue_comment', {
        action: 'created',
        issue: { number },
        comment: { body: `FINISH: ${text}` },
      });
    const done = (count: number) => async () =>
      (await runsOf(id)).filter(({ status }) => status === 'COMPLETED').length === count;
    await comment(1, 'first');
    await eventually(done(1), 'the first run is done');
    await comment(1, 'second');
    await eventually(done(2), 'the second run is done');
    await comment(2, 'of another');
    await eventually(done(3), 'the third run is done');
    const conversations = (await runsOf(id)).map((run) => run.conversation_id);
    expect(new Set(conversations).size).toBe(2);
    expect(conversations[1]).toBe(conversations[2]);
  });

  it('are refused without a valid signature, and start nothing', async () => {
    const webhook = await makeWebhook({ ...github, source: 'guarded' });
    const id = await makeAutomation({ source: 'guarded', on: '*' });
    expect((await deliver(webhook, '{}', {})).status).toBe(401);
    expect((await fromGitHub(webhook, 'push', {}, 'a', 'another secret')).status).toBe(401);
    expect((await deliver(webhook, '{}', { 'X-Session-API-Key': SESSION })).status).toBe(401);
    await request('PATCH', `${WEBHOOKS}/${webhook.id}`, { enabled: false });
    expect((await fromGitHub(webhook, 'push', {})).status).toBe(404);
    const unknown = { ...webhook, webhook_url: webhook.webhook_url.replace('guarded', 'unknown') };
    expect((await fromGitHub(unknown, 'push', {})).status).toBe(404);
    const elsewhere = webhook.webhook_url.replace(/events\/[^/]+/, `events/${randomUUID()}`);
    expect((await fromGitHub({ ...webhook, webhook_url: elsewhere }, 'push', {})).status).toBe(404);
    expect(await runsOf(id)).toEqual([]);
  });

  it('are refused if they are no JSON object, or too large', async () => {
    const webhook = await makeWebhook({ source: 'odd', webhook_secret: SECRET });
    const send = (body: string) =>
      deliver(webhook, body, { 'X-Signature-256': createHmac('sha256', SECRET).update(body).digest('hex') });
    for (const body of ['', 'payload=%7B%7D', '[]', '1', '{"a":', '{"a":'.repeat(200)])
      expect(await send(body)).toMatchObject({ status: 400 });
    expect((await send(JSON.stringify({ type: 'x'.repeat(1024 * 1024) }))).status).toBe(413);
    expect((await send('{"type":{}}')).body.matched).toBe(0);
    const large = JSON.stringify({ type: 'large', text: 'x'.repeat(1_000_000) });
    expect(await send(large)).toMatchObject({ status: 200, body: { matched: 0 } });
  });

  it('of a megabyte are kept only as far as an agent is told of them', async () => {
    const webhook = await makeWebhook({ ...github, source: 'large' });
    const id = await makeAutomation({ source: 'large', on: 'issues' });
    const issue = { number: 7, body: 'x'.repeat(1_000_000) };
    await fromGitHub(webhook, 'issues', { repository: { full_name: 'acme/app' }, issue });
    await eventually(async () => (await runsOf(id))[0]?.status === 'COMPLETED', 'the run is done');
    const conversation = (await runsOf(id))[0]?.conversation_id ?? '';
    const { body } = await request('GET', `/api/conversations/${conversation}`);
    expect(body).toMatchObject({ title: 'On events — acme/app#7' });
    const events = await request('GET', `/api/conversations/${conversation}/events/search?limit=20`);
    expect(JSON.stringify(events.body)).toContain('xxxx\\n[cut]');
    if (process.env['TEST_CLUSTER'] !== undefined) return;
    const stored = path.join(fixture.server.cwd, 'workspace/conversations/.automations', `${id}.jsonl`);
    expect((await stat(stored)).size).toBeLessThan(500_000);
  });

  it('of a source have a secret that is shown once, replaced on demand, and stored encrypted', async () => {
    const webhook = await makeWebhook({ source: 'secrets', event_key_expr: 'kind' });
    const secret = webhook.webhook_secret ?? '';
    expect(secret).toMatch(/^whsec_/);
    const send = (key: string) =>
      deliver(webhook, '{"kind":"a"}', {
        'X-Signature-256': `sha256=${createHmac('sha256', key).update('{"kind":"a"}').digest('hex')}`,
      });
    expect((await send(secret)).status).toBe(200);
    for (const route of [WEBHOOKS, `${WEBHOOKS}/${webhook.id}`])
      expect(JSON.stringify((await request('GET', route)).body)).not.toContain(secret);
    const rotated = await request('POST', `${WEBHOOKS}/${webhook.id}/rotate-secret`);
    expect((await send(secret)).status).toBe(401);
    expect((await send((rotated.body as Webhook).webhook_secret ?? '')).status).toBe(200);
    if (process.env['TEST_CLUSTER'] === undefined) {
      const stored = await readFile(path.join(fixture.persistence, 'automation-webhooks.json'), 'utf8');
      expect(stored).not.toContain(secret.slice('whsec_'.length));
      expect(stored).not.toContain(SECRET);
    }
    expect((await request('DELETE', `${WEBHOOKS}/${webhook.id}`)).status).toBe(204);
    expect((await request('GET', `${WEBHOOKS}/${webhook.id}`)).status).toBe(404);
  });

  it.each([
    [{ source: 'Upper' }, 422],
    [{ source: '-a' }, 422],
    [{ source: 'a'.repeat(51) }, 422],
    [{ source: 'a', event_key_expr: 'foo bar' }, 422],
    [{ source: 'a', signature_header: 'a b' }, 422],
    [{ source: 'a', signature_scheme: 'none' }, 422],
    [{ source: 'a', webhook_secret: 'short' }, 422],
    [{ source: 'taken' }, 409],
  ])('need a webhook that is valid: %j is refused with %i', async (fields, status) => {
    if (status === 409) await makeWebhook({ source: 'taken' });
    expect((await request('POST', WEBHOOKS, { name: 'A source', ...fields })).status).toBe(status);
  });

  it('are offered and checked by dialogs as soon as a source exists', async () => {
    await makeWebhook({ ...github, source: 'offered' });
    const { body } = await request('GET', '/api/automation/v1/capabilities');
    const offered = { triggerKinds: ['cron', 'event'], triggers: { event: { filterLanguage: 'jmespath' } } };
    expect(body).toMatchObject(offered);
    const check = async (trigger: object, sampleEvent: object | null = null) => {
      const draft = { name: 'A', prompt: 'B', trigger: { type: 'event', on: 'push', ...trigger } };
      const sent = { endpoint: '/v1/preset/prompt', draft, sampleEvent };
      return (await request('POST', '/api/automation/v1/validate', sent)).body;
    };
    const filter = "ref == 'a'";
    expect(await check({ source: 'offered', filter }, { ref: 'a' })).toMatchObject({
      valid: true,
      sampleEventMatched: true,
    });
    expect(await check({ source: 'offered', filter }, { ref: 'b' })).toMatchObject({
      sampleEventMatched: false,
    });
    expect(await check({ source: 'nowhere' })).toMatchObject({
      errors: [{ field: 'trigger.source', code: 'event_source_not_configured' }],
    });
    expect(await check({ source: 'offered', filter: '(((' })).toMatchObject({
      errors: [{ field: 'trigger.filter' }],
    });
  });

  it('are written into the audit log with their source, and counted', async () => {
    const webhook = await makeWebhook({ ...github, source: 'audited' });
    await fromGitHub(webhook, 'push', {});
    const { key } = await makeKey(fixture.server, { scope: 'write' });
    expect((await request('POST', WEBHOOKS, { name: 'a', source: 'b' }, shown(key))).status).toBe(403);
    const entry = async () => {
      const { body } = await request('GET', '/api/audit?operation=AutomationEvents_deliver&outcome=done');
      return (body as { items: { key_name: string }[] }).items.find(
        (each) => each.key_name === 'webhook audited',
      );
    };
    await eventually(async () => (await entry()) !== undefined, 'the delivery is in the audit log');
    const metrics = await fetch(`${fixture.server.url}/metrics`, { headers: shown(SESSION) });
    expect(await metrics.text()).toMatch(/automation_events_total\{outcome="accepted"\} [1-9]/);
  });

  it('are delivered by the commands of the guide as GitHub delivers them', async () => {
    const blocks = await blocksOf('docs/automation-events.md', '## Try it with a delivery of GitHub');
    const instead = { 'http://localhost:8000': fixture.server.url };
    const outputs = await follow(blocks, { cwd: fixture.workspace, env: { KEY: SESSION }, instead });
    expect(outputs.join('')).toMatch(/"matched":1,"runs_created":\["[0-9a-f-]{36}"\]/);
  });

  it('are answered with 429 after many that were refused', async () => {
    const webhook = await makeWebhook({ ...github, source: 'flooded' });
    const statuses = new Set<number>();
    for (let n = 0; n < 70; n++) statuses.add((await deliver(webhook, '{}', {})).status);
    expect(statuses).toEqual(new Set([401, 429]));
    expect((await request('GET', '/health')).status).toBe(200);
  });
});
