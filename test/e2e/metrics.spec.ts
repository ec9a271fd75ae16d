import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from '../support/checkout.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

const DASHBOARD = path.join(ROOT, 'deploy/grafana/agent-server.json');
/** Labels that Prometheus adds. */
const ADDED_LABELS = ['instance', 'job'];

/** A panel of the dashboard. */
interface Panel {
  targets?: { expr: string }[];
}

describe('metrics', () => {
  const fixture = ServerFixture.forTests({
    key: 'the-key',
    env: {
      SESSION_API_KEY: 'the-key',
      OH_MAX_CONCURRENT_RUNS: '1',
      OH_WEBHOOKS_0_BASE_URL: 'http://127.0.0.1:1',
      OH_WEBHOOKS_0_NAME: 'a "receiver"',
      OH_WEBHOOKS_0_FLUSH_DELAY: '0.01',
    },
  });

  /** Reads the metrics and checks the form of each line. @returns the values by name and labels */
  async function scrape(): Promise<Map<string, number>> {
    const { status, headers, body } = await fixture.server.request('GET', '/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const values = new Map<string, number>();
    for (const line of String(body).trimEnd().split('\n')) {
      if (/^# (HELP|TYPE) [a-z_0-9]+ \S/.test(line)) continue;
      const [, name, value] = /^([a-z_0-9]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`);
      expect(values.has(name)).toBe(false);
      values.set(name, Number(value));
    }
    return values;
  }

  it('requires the session key', async () => {
    expect((await fetch(`${fixture.server.url}/metrics`)).status).toBe(401);
  });

  it('counts conversations, runs, sockets, log writes, model calls and webhook requests', async () => {
    const before = await scrape();
    const running = await fixture.create('RUN: sleep 1000');
    await eventually(async () => (await running.events('&kind=ActionEvent')).length > 0, 'the action');
    const failing = await fixture.create();
    const refused = await failing.post('run');
    expect(refused.status).toBe(429);
    const socket = await running.listen(`/sockets/events/${running.id}?session_api_key=the-key`);
    const values = await scrape();
    const grown = (name: string): number => (values.get(name) ?? NaN) - (before.get(name) ?? NaN);
    const counts = ['conversations', 'conversations_open', 'runs', 'runs_limit', 'sockets'];
    expect(counts.map((name) => values.get(`agent_server_${name}`))).toEqual([2, 2, 1, 1, 1]);
    expect(grown('agent_server_runs_refused_total')).toBe(1);
    const events = [...(await running.events()), ...(await failing.events())].length;
    expect(grown('agent_server_events_appended_total')).toBe(events);
    expect(grown('agent_server_log_write_seconds_count')).toBeGreaterThan(0);
    expect(values.get('agent_server_log_write_seconds_bucket{le="+Inf"}')).toBe(
      values.get('agent_server_log_write_seconds_count'),
    );
    expect(grown('agent_server_llm_attempts_total')).toBe(1);
    expect(grown('agent_server_llm_answer_seconds_count')).toBe(1);
    expect(grown('agent_server_llm_failures_total')).toBe(0);
    await eventually(async () => {
      const failures = (await scrape()).get(
        'agent_server_webhook_requests_failed_total{webhook="a \\"receiver\\""}',
      );
      return (failures ?? 0) > 0;
    }, 'a failed delivery');
    await socket.close();
    await running.post('interrupt');
    await eventually(async () => (await scrape()).get('agent_server_sockets') === 0, 'the end of the socket');
  });

  it('has every metric and label that the Grafana dashboard asks for', async () => {
    await eventually(async () => (await scrape()).has('nodejs_eventloop_lag_max_seconds'), 'the delay');
    const { body } = await fixture.server.request('GET', '/metrics');
    const labels = new Map<string, Set<string>>();
    for (const line of String(body)
      .split('\n')
      .filter((text) => text !== '' && !text.startsWith('#'))) {
      const [, name = '', pairs = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
      const known = labels.get(name) ?? new Set(ADDED_LABELS);
      for (const [, label = ''] of pairs.matchAll(/(\w+)="/g)) known.add(label);
      labels.set(name, known);
    }
    // Without keys nothing has been refused by their limits.
    labels.set('agent_server_key_limit_refusals_total', new Set([...ADDED_LABELS, 'limit']));
    const dashboard = JSON.parse(await readFile(DASHBOARD, 'utf8')) as { panels: Panel[] };
    const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(20);
    for (const query of queries) {
      const metrics = query.match(/\b(agent_server|process|nodejs)_\w+/g) ?? [];
      const used = [
        ...[...query.matchAll(/\{(.*?)\}/g)].flatMap(([, pairs = '']) => pairs.match(/\w+(?==)/g) ?? []),
        ...[...query.matchAll(/by \((.*?)\)/g)].flatMap(([, names = '']) => names.split(/, */)),
      ];
      const missing = metrics.flatMap((metric) =>
        used.filter((label) => !labels.get(metric)?.has(label)).map((label) => `${metric}{${label}}`),
      );
      expect({ query, metrics: metrics.length > 0, missing }).toEqual({ query, metrics: true, missing: [] });
    }
  });

  it('counts failed model calls', async () => {
    const before = (await scrape()).get('agent_server_llm_failures_total');
    const failing = await fixture.create('FAIL: 401 no key\nSAY: x');
    await failing.reaches('error');
    expect((await scrape()).get('agent_server_llm_failures_total')).toBe((before ?? 0) + 1);
  });

  it('reports the process and the delay of its event loop, also in the server info', async () => {
    await eventually(async () => (await scrape()).has('nodejs_eventloop_lag_max_seconds'), 'the delay');
    const values = await scrape();
    const value = (name: string): number => values.get(name) ?? NaN;
    expect(value('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(value('nodejs_heap_size_used_bytes'));
    expect(value('nodejs_eventloop_lag_max_seconds')).toBeGreaterThanOrEqual(
      value('nodejs_eventloop_lag_p50_seconds'),
    );
    const { body } = await fixture.server.request('GET', '/server_info');
    const { event_loop_delay } = body as Record<string, object>;
    expect(Object.keys(event_loop_delay ?? {})).toEqual(['p50_ms', 'p99_ms', 'max_ms']);
    expect(Object.values(event_loop_delay ?? {}).every((delay) => typeof delay === 'number')).toBe(true);
  });

  it('reports the delay of a blocked event loop', async () => {
    // A long JSON text is parsed in one go.
    const text = 'x'.repeat(8 * 1024 * 1024);
    const { status } = await fixture.server.request('POST', '/api/conversations', { text });
    expect(status).toBe(422);
    const held = async (): Promise<boolean> =>
      ((await scrape()).get('nodejs_eventloop_lag_max_seconds') ?? 0) > 0.002;
    await eventually(held, 'a delay');
  });
});
