import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Automations, type SeenRun, setClock } from '../support/automations.js';
import { DATABASE_MISSING, TestDatabase } from '../support/postgres.js';
import { eventually } from '../support/server-process.js';
import { type DeliveryScheme, EVENT_ID_HEADER, signed } from '../support/signed-deliveries.js';

const HOUR = 3_600_000;
const SECRET = 'the secret of the sender';
const SCHEMES: readonly DeliveryScheme[] = [
  'github',
  'gitlab',
  'slack_v0',
  'standard_webhooks',
  'hmac_sha256_hex',
];
/** Each call of the model costs something: tokens of the scripted model are counted. */
const PRICE = { input_cost_per_token: 0.000_001, output_cost_per_token: 0.000_01 };
/** Whatever kills an agent in the middle, its run is repeated. */
const REPEATED = { max_retries: 5, retry_pause: 1, overlap: 'queue' };

/** Something that had to happen in the night, and the runs that it has led to. */
interface Due {
  automation: string;
  /** The instant, the delivery, or what else asked for it. */
  what: string;
  expected: 'COMPLETED' | 'SKIPPED' | 'FAILED';
  runs: SeenRun[];
}

/**
 * A night in Berlin in which the clocks change, hour by hour, by the clock of a test. With
 * `AUTOMATION_NIGHT=night` its table is written into `night-files.txt` and `night-PostgreSQL.txt`.
 */
class Night {
  readonly servers: Automations[] = [];
  readonly ids = new Map<string, string>();
  readonly due: Omit<Due, 'runs'>[] = [];
  private readonly webhooks = new Map<DeliveryScheme, string>();
  private readonly started: Automations[] = [];
  now: number;

  constructor(
    readonly folder: string,
    start: string,
    private readonly env: Record<string, string>,
  ) {
    this.now = Date.parse(start);
  }

  async start(): Promise<Automations> {
    await this.setClock();
    const env = { ...this.env, OH_SECRET_KEY: 'secret', OH_LEASE_TTL_SECONDS: '2' };
    const one = await Automations.start(this.folder, { env });
    this.servers.push(one);
    this.started.push(one);
    return one;
  }

  async end(): Promise<void> {
    await Promise.all(this.started.map(({ server }) => server.end('SIGKILL')));
  }

  /** The server that answers. */
  get one(): Automations {
    const [server] = this.servers;
    if (!server) throw new Error('no server is up');
    return server;
  }

  async kill(): Promise<void> {
    await this.servers.shift()?.server.end('SIGKILL');
  }

  async create(name: string, trigger: object, more: object = {}): Promise<void> {
    const prompt = `RUN: echo ${name}\nFINISH: ${name} is done`;
    const { id } = await this.one.create(prompt, { name, trigger, ...REPEATED, ...more });
    this.ids.set(name, id);
  }

  async listen(scheme: DeliveryScheme, more: object = {}): Promise<void> {
    const webhook = {
      ...{ name: scheme, source: scheme.replaceAll('_', '-'), signature_scheme: scheme },
      webhook_secret: SECRET,
      ...(scheme === 'hmac_sha256_hex' && { event_id_header: EVENT_ID_HEADER }),
    };
    const { status, body } = await this.one.ask('POST', '/webhooks', webhook);
    expect([status, body]).toEqual([201, expect.anything()]);
    this.webhooks.set(scheme, new URL((body as { webhook_url: string }).webhook_url).pathname);
    await this.create(scheme, { type: 'event', source: webhook.source, on: 'push', ...more });
  }

  async deliver(scheme: DeliveryScheme, payload: object, id: string, to = this.one): Promise<Response> {
    const { body, headers } = signed(scheme, { secret: SECRET, payload, id, now: this.now });
    const url = new URL(this.webhooks.get(scheme) ?? '', to.server.url);
    return fetch(url, { method: 'POST', body, headers });
  }

  /** One delivery of each sender. A sender that gets no answer sends it again until it does. */
  deliveries(): { id: string; send: () => Promise<void> }[] {
    return SCHEMES.map((scheme) => {
      const id = `${scheme} at ${time(this.now)}`;
      this.due.push({ automation: scheme, what: `delivery at ${time(this.now)}`, expected: 'COMPLETED' });
      const send = async (): Promise<void> => {
        const answer = await this.deliver(scheme, { text: id }, id);
        expect([id, answer.status, await answer.json()]).toEqual([
          id,
          200,
          expect.objectContaining({ matched: 1 }),
        ]);
      };
      return { id, send };
    });
  }

  async dispatch(): Promise<void> {
    const run = await this.one.dispatch(this.ids.get('manual') ?? '');
    expect(run.status).toBe('PENDING');
    const at = `at ${time(this.now)}`;
    this.due.push({ automation: 'manual', what: `by hand ${at}`, expected: 'COMPLETED' });
    this.due.push({ automation: 'after manual', what: `after the run ${at}`, expected: 'COMPLETED' });
  }

  /** A conversation of a person ends, and whatever follows may be killed at once. */
  async talk(): Promise<void> {
    const { status, body } = await this.one.server.request('POST', '/api/conversations', {
      agent_settings: { llm: { model: 'scripted/demo', ...PRICE } },
      workspace: { working_dir: path.join(this.folder, 'talk') },
      tags: { team: 'night' },
      initial_message: { content: [{ type: 'text', text: 'FINISH: bye' }], run: true },
    });
    expect(status).toBe(201);
    const { id } = body as { id: string };
    const isOver = async (): Promise<boolean> => {
      const found = await this.one.server.request('GET', `/api/conversations/${id}`);
      return (found.body as { execution_status: string }).execution_status === 'finished';
    };
    await eventually(isOver, 'the end of the talk');
    const what = `a person's conversation at ${time(this.now)}`;
    this.due.push({ automation: 'after talks', what, expected: 'COMPLETED' });
  }

  /** Goes on to a second after a full hour. */
  async goOn(hours: number): Promise<void> {
    this.now = Math.floor(this.now / HOUR + hours) * HOUR + 1_000;
    await this.setClock();
    // Servers look every half minute, and after each change.
    const [id] = this.ids.values();
    if (this.servers.length > 0) await this.one.ask('PATCH', `/${id}`, { keep_alive: null });
  }

  /** Waits until nothing is open and everything that was due has a run that is over. */
  async settle(): Promise<void> {
    let table: Due[] = [];
    const isQuiet = async (): Promise<boolean> => {
      // Instants that are to come are not due yet.
      table = (await this.table()).filter(({ what }) => !(Date.parse(what) > this.now));
      return table.every(({ runs }) => runs.length > 0 && runs.every(isOver));
    };
    await eventually(isQuiet, 'the end of all runs').catch((error: unknown) => {
      throw new Error(`${String(error)}\n${text(table, 0)}`);
    });
  }

  /** What was due and what has become of it: runs with their repetitions, matched in their order. */
  async table(): Promise<Due[]> {
    const left = new Map<string, SeenRun[]>();
    for (const [name, id] of this.ids) left.set(name, (await this.one.runs(id)).reverse());
    const rows = this.due.map((one): Due => {
      const runs = left.get(one.automation) ?? [];
      const first = runs.findIndex(
        ({ attempt, scheduled_at }) => attempt === 1 && (scheduled_at === null || scheduled_at === one.what),
      );
      const found = first < 0 ? [] : runs.splice(first, 1);
      for (let last = found.at(-1); last !== undefined;) {
        const { id } = last;
        const next = runs.findIndex(({ retry_of }) => retry_of === id);
        last = next < 0 ? undefined : runs.splice(next, 1)[0];
        if (last) found.push(last);
      }
      return { ...one, runs: found };
    });
    // What nothing had asked for.
    for (const [automation, runs] of left)
      if (runs.length > 0) rows.push({ automation, what: 'nothing', expected: 'SKIPPED', runs });
    return rows;
  }

  /** The runs that have a conversation. */
  async runsWithConversation(): Promise<string[]> {
    const { body } = await this.one.server.request('GET', '/api/conversations/search?limit=100');
    const { items } = body as { items: { tags: Record<string, string> }[] };
    return items.flatMap(({ tags: { automationrunid: id } }) => id ?? []);
  }

  /** What the calls of models have cost, by run (US dollars). */
  async costs(): Promise<Map<string, number>> {
    const query = 'group_by=tag:automationrunid&from=2026-01-01&limit=1000';
    const { status, body } = await this.one.server.request('GET', `/api/usage?${query}`);
    expect([status, body]).toEqual([200, expect.anything()]);
    const { items } = body as { items: { 'tag:automationrunid': string | null; cost: number }[] };
    return new Map(
      items.flatMap((item) => {
        const id = item['tag:automationrunid'];
        return id === null ? [] : [[id, item.cost]];
      }),
    );
  }

  private async setClock(): Promise<void> {
    await setClock(this.folder, this.now - Date.now());
  }
}

function isOver({ status }: SeenRun): boolean {
  return status !== 'PENDING' && status !== 'RUNNING';
}

function time(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16);
}

/** The table for people. */
function text(rows: readonly Due[], total: number): string {
  const lines = rows.map(({ automation, what, expected, runs }) => {
    const last = runs.at(-1);
    const costs = runs.reduce((sum, { cost }) => sum + Number(cost), 0);
    const note = runs.map(({ error_detail }) => error_detail).filter((one) => one !== null);
    return [
      ...[automation, what, expected, runs.length, last?.status ?? 'NOTHING'],
      ...[last?.conversation_id?.slice(0, 8) ?? '-', costs.toFixed(6), note.join('; ')],
    ].join(' | ');
  });
  const head = 'automation | due | expected | runs | last status | conversation | US dollars | notes';
  return `${[head, ...lines, `all of the night | ${total.toFixed(6)} US dollars`].join('\n')}\n`;
}

describe.each([
  ['files', undefined, 'clocks go back', '2026-10-24T20:00:01Z', '2026-10-25T00:30:00.000Z'],
  ['PostgreSQL', DATABASE_MISSING, 'clocks go forward', '2027-03-27T20:00:01Z', '2027-03-28T01:00:00.000Z'],
])('a night of automations, with %s as storage', (storage, missing, _change, start, halfPastTwo) => {
  const test = missing === undefined ? it : it.skip;
  let night: Night;
  let database: TestDatabase | undefined;

  beforeAll(async () => {
    if (missing !== undefined) return;
    const folder = await mkdtemp(path.join(os.tmpdir(), 'automations-'));
    if (storage === 'PostgreSQL') database = await TestDatabase.create();
    night = new Night(folder, start, database ? { OH_DATABASE_URL: database.url } : {});
  });
  afterAll(async () => {
    if (missing !== undefined) return;
    await night.end();
    await database?.drop();
    await rm(night.folder, { recursive: true, force: true });
  });

  test('starts what is due once, by each trigger, through a change of clocks, kills and a second server', async () => {
    const server = await night.start();
    await server.server.request('PATCH', '/api/settings', { agent_settings_diff: { llm: PRICE } });
    const cron = (schedule: string, timezone = 'Europe/Berlin') => ({ type: 'cron', schedule, timezone });
    await night.create('hourly', cron('0 * * * *'), { catch_up: 'all' });
    await night.create('half past two', cron('30 2 * * *'));
    await night.create('nine in New York', cron('0 21 * * *', 'America/New_York'));
    const slow = { prompt: 'WAIT: 300\nFINISH: late', overlap: 'skip', max_retries: 0 };
    await night.create('slow', cron('0 21-23 * * *', 'UTC'), slow);
    await night.create('off', cron('0 * * * *'), { enabled: false });
    for (const scheme of SCHEMES) await night.listen(scheme);
    await night.create('manual', { type: 'manual' });
    await night.create('after manual', { type: 'chain', automation_id: night.ids.get('manual') });
    const talks = { type: 'chain', automation_id: null, tags: { team: 'night' } };
    await night.create('after talks', talks);
    const first = Math.floor(night.now / HOUR) * HOUR;
    const instant = (hours: number) => new Date(first + hours * HOUR).toISOString();
    for (let hour = 1; hour <= 8; hour += 1)
      night.due.push({ automation: 'hourly', what: instant(hour), expected: 'COMPLETED' });
    night.due.push({ automation: 'half past two', what: halfPastTwo, expected: 'COMPLETED' });
    night.due.push({ automation: 'nine in New York', what: instant(5), expected: 'COMPLETED' });

    await night.goOn(1);
    night.due.push({ automation: 'slow', what: instant(1), expected: 'FAILED' });
    const evening = night.deliveries();
    for (const { send } of evening) await send();
    await night.dispatch();
    await night.talk();
    await night.one.working(night.ids.get('slow') ?? '');

    // Killed while senders wait for their answers: they send again.
    await night.goOn(1);
    night.due.push({ automation: 'slow', what: instant(2), expected: 'SKIPPED' });
    await eventually(async () => (await night.one.runs(night.ids.get('slow') ?? '')).length > 1, 'a look');
    await night.dispatch();
    const killed = night.deliveries();
    const sending = killed.map(({ send }) => send().catch(() => undefined));
    await night.talk();
    await night.kill();
    await Promise.all(sending);
    await night.start();
    await night.one.ask('PATCH', `/${night.ids.get('slow')}`, { enabled: false });
    for (const { send } of killed) await send();
    await night.settle();

    // Down while the clocks change: senders wait.
    await night.kill();
    await night.goOn(1);
    const waiting = night.deliveries();
    await night.goOn(2);
    await night.start();
    for (const { send } of waiting) await send();
    await night.start();
    await night.settle();

    // Both look at once; then one is killed at work, and the other one goes on.
    await night.goOn(1);
    const repeated = night.deliveries();
    await Promise.all(repeated.flatMap(({ send }) => [send(), send()]));
    await night.dispatch();
    await night.kill();
    await night.goOn(1);
    for (const { send } of [...evening.slice(0, 2), ...repeated]) await send();
    // None of the instants before counts.
    await night.one.ask('PATCH', `/${night.ids.get('off')}`, { enabled: true });
    night.due.push({ automation: 'off', what: instant(8), expected: 'COMPLETED' });
    await night.goOn(1);
    await night.talk();
    await night.settle();

    const rows = await night.table();
    const runs = rows.flatMap((row) => row.runs).filter(({ status }) => status !== 'SKIPPED');
    // A run says what the ledger of the server knows of the calls of its conversation: soon, after a kill.
    let costs = new Map<string, number>();
    const unpaid = () => runs.filter(({ id, cost }) => Math.abs(Number(cost) - (costs.get(id) ?? 0)) > 1e-9);
    const isPaid = async (): Promise<boolean> => {
      costs = await night.costs();
      return unpaid().length === 0;
    };
    await eventually(isPaid, 'a ledger that knows what the runs have cost').catch(() => undefined);
    expect(unpaid().map((run) => [run, costs.get(run.id)])).toEqual([]);
    const total = [...costs.values()].reduce((sum, cost) => sum + cost, 0);
    const file = process.env['AUTOMATION_NIGHT'];
    if (file !== undefined) await writeFile(`${file}-${storage}.txt`, text(rows, total));

    const seen = rows.map(({ automation, what, runs }) => [automation, what, runs.at(-1)?.status]);
    expect(seen).toEqual(night.due.map(({ automation, what, expected }) => [automation, what, expected]));
    // A run has one conversation, unless it was over before its start; nothing else was started.
    const withConversation = await night.runsWithConversation();
    expect(withConversation).toHaveLength(new Set(withConversation).size);
    for (const { id, status } of runs) if (status === 'COMPLETED') expect(withConversation).toContain(id);
    for (const id of withConversation) expect(runs.map((run) => run.id)).toContain(id);
    expect(total).toBeGreaterThan(0);
    // Those that were repeated were interrupted by a kill, and by nothing else.
    for (const run of runs.filter(({ status }) => status === 'FAILED'))
      expect(run.error_detail).toMatch(/restart of the server|^Timed out/);
  });

  // Servers of one folder look for runs of each other every few seconds only.
  if (storage !== 'PostgreSQL') return;
  test('goes on with the conversation of a subject whichever server an event arrives at', async () => {
    const two = [night.one, await night.start()];
    const id = night.ids.get('github') ?? '';
    const subject = {
      destination: 'continue_conversation',
      subject_key_expr: 'subject',
      turn_text_expr: 'text',
    };
    const trigger = { type: 'event', source: 'github', on: 'push', ...subject };
    await night.one.ask('PATCH', `/${id}`, { trigger });
    const before = (await night.one.runs(id)).length;
    for (const [index, to] of [...two, ...two].entries()) {
      const text = `FINISH: ${index}`;
      await night.deliver('github', { subject: 'a', text }, `of a subject ${index}`, to);
      const [run] = await night.one.settled(id, before + index + 1);
      expect(run).toMatchObject({ status: 'COMPLETED', error_detail: null });
    }
    const ofSubject = (await night.one.runs(id)).slice(0, 4);
    expect(new Set(ofSubject.map(({ conversation_id }) => conversation_id)).size).toBe(1);
  });
});
