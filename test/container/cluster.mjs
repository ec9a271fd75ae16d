import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { load } from 'js-yaml';
import { freePort } from '../../scripts/free-port.mjs';
import { buildServices } from './services-image.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILE = 'compose.cluster.yaml';
const SERVERS = ['agent-1', 'agent-2', 'agent-3'];
/** The lease of a server that was killed, the takeover, and a slow machine. */
const TAKEOVER_MS = 30_000;
/** Clients try again at once when a socket closes. */
/** Longest time for a service to end by itself, as compose.cluster.yaml says. */
const STOP_SECONDS = 60;
const PAUSE_MS = 50;

/**
 * Runs compose.cluster.yaml as it is: three servers, PostgreSQL and nginx. A client with a socket works
 * through nginx while the server of its conversation is killed, and while all are replaced.
 * @param {{
 *   engine: import('./podman.mjs').Podman,
 *   folder: string,
 *   step: (name: string, action: () => Promise<void>) => Promise<void>,
 *   eventually: (condition: () => Promise<boolean>, what: string) => Promise<void>,
 * }} test
 */
export async function runCluster(test) {
  const cluster = await Cluster.prepare(test);
  try {
    await cluster.run();
  } finally {
    await cluster.down();
  }
}

class Cluster {
  #test;
  #project;
  #port;
  #key = randomBytes(32).toString('hex');
  #checks = new AbortController();

  constructor(test, project, port) {
    this.#test = test;
    this.#project = project;
    this.#port = port;
  }

  static async prepare(test) {
    const project = path.join(test.folder, 'cluster');
    await mkdir(path.join(project, 'secrets'), { recursive: true, mode: 0o700 });
    await cp(path.join(ROOT, FILE), path.join(project, FILE));
    await cp(path.join(ROOT, 'deploy'), path.join(project, 'deploy'), { recursive: true });
    const cluster = new Cluster(test, project, await freePort());
    const password = randomBytes(32).toString('hex');
    await cluster.#secret('session_api_key', cluster.#key);
    await cluster.#secret('secret_key', randomBytes(32).toString('hex'));
    await cluster.#secret('database_password', password);
    await cluster.#secret('database_url', `postgres://agent:${password}@database/agent`);
    return cluster;
  }

  async run() {
    const { step, eventually, engine } = this.#test;
    await step('images of PostgreSQL and nginx are made by debootstrap', async () => {
      const { services } = load(await readFile(path.join(ROOT, FILE), 'utf8'));
      const names = { database: services.database.image, balancer: services.balancer.image };
      await buildServices(engine, names, path.join(this.#test.folder, 'work'));
    });
    void this.#runHealthChecks();
    await step('compose.cluster.yaml starts three servers that know each other', async () => {
      await this.#compose('up', '--detach', '--no-build');
      await eventually(async () => (await this.#live()).length === 3, 'three servers');
      assert.equal((await fetch(`${this.#url}/api/servers`)).status, 401);
    });
    const id = await this.#create();
    const socket = new Follower(`ws://127.0.0.1:${this.#port}/sockets/session/${id}`, this.#key);
    try {
      await step('a conversation through nginx, with a socket', () => this.#reaches(id, 'finished'));
      await step('its server is killed, and another one goes on with it', async () => {
        const owner = await this.#ownerOf(id);
        await engine.podman('kill', '--signal', 'KILL', await this.#container(owner));
        await this.#says(id, `RUN: hostname\nFINISH: after the end of ${owner}`, TAKEOVER_MS);
        assert.notEqual(await this.#ownerOf(id), owner);
        await this.#start(owner);
        await eventually(async () => (await this.#live()).length === 3, 'three servers again');
      });
      await step('all servers are restarted one by one while a client works', () => this.#restartAll(id));
      await step('the socket saw each event once, in order', async () => {
        const stored = await this.#events(id);
        await eventually(() => Promise.resolve(socket.ids.length >= stored.length), 'the last events');
        assert.deepEqual([socket.problems, socket.ids], [[], stored.map((event) => event.id)]);
        console.log(`    ${stored.length} events, ${socket.connections} connections of the socket`);
      });
      await step('PostgreSQL is restarted, and everything goes on', async () => {
        await this.#restart('database');
        await this.#says(id, 'FINISH: after the new database', TAKEOVER_MS);
      });
    } finally {
      socket.stop();
    }
  }

  async down() {
    this.#checks.abort();
    await this.#compose('down', '--volumes');
  }

  get #url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  async #secret(name, text) {
    await writeFile(path.join(this.#project, 'secrets', name), `${text}\n`);
  }

  #compose(...args) {
    const file = path.join(this.#project, FILE);
    return this.#test.engine.run('podman-compose', ['--file', file, ...args], { PORT: String(this.#port) });
  }

  /** podman leaves them to timers of systemd, which may not run here. */
  async #runHealthChecks() {
    const { engine } = this.#test;
    while (!this.#checks.signal.aborted) {
      const names = await engine.podman('ps', '--format', '{{.Names}}').catch(() => '');
      await Promise.allSettled(names.split('\n').map((name) => engine.podman('healthcheck', 'run', name)));
      await sleep(500);
    }
  }

  /** Restarts each server, while messages are sent one after another. */
  async #restartAll(id) {
    const { eventually } = this.#test;
    const before = (await this.#live()).map((server) => server.id);
    let isRestarting = true;
    const messages = [];
    const work = async () => {
      for (let count = 0; isRestarting; count += 1) {
        messages.push(`RUN: echo ${count} >> count\nFINISH: ${count}`);
        await this.#says(id, messages.at(-1), TAKEOVER_MS);
      }
    };
    const working = work();
    working.catch(() => undefined);
    try {
      for (const name of SERVERS) {
        const old = (await this.#live()).find(({ url }) => new URL(url).hostname === name)?.id;
        await this.#restart(name);
        await eventually(async () => {
          const live = await this.#live();
          return live.length === 3 && !live.some((server) => server.id === old);
        }, `the new ${name}`);
      }
    } finally {
      isRestarting = false;
    }
    await working;
    const after = (await this.#live()).map((server) => server.id);
    assert.deepEqual(
      after.filter((server) => before.includes(server)),
      [],
    );
    const sent = (await this.#events(id)).filter(
      ({ kind, source }) => kind === 'MessageEvent' && source === 'user',
    );
    assert.deepEqual(
      sent.slice(-messages.length).map(({ llm_message: { content } }) => content[0].text),
      messages,
    );
    console.log(`    ${messages.length} messages, each once`);
  }

  async #create() {
    const { id } = await this.#ask('POST', '/api/conversations', {
      agent: { llm: { model: 'scripted/test' }, tools: [{ name: 'terminal' }] },
      workspace: { working_dir: 'workspace/project' },
      initial_message: message('RUN: hostname\nFINISH: done'),
    });
    return id;
  }

  /** Sends a message, as often as it needs, and waits for the end of its run. */
  async #says(id, text, patienceMs) {
    const key = randomUUID();
    const body = { ...message(text), run: true };
    const end = Date.now() + patienceMs;
    for (;;) {
      const answer = await this.#send('POST', `/api/conversations/${id}/events`, body, key);
      if (answer.ok) break;
      const reason = await answer.text();
      assert.ok([409, 500, 502, 503, 504].includes(answer.status), `${answer.status}: ${reason}`);
      assert.ok(Date.now() < end, `not sent in time: ${answer.status}: ${reason}`);
      await sleep(PAUSE_MS);
    }
    await this.#reaches(id, 'finished', 'paused');
  }

  #reaches(id, ...statuses) {
    return this.#test.eventually(async () => {
      const answer = await this.#send('GET', `/api/conversations/${id}`);
      const { execution_status: status } = answer.ok ? await answer.json() : {};
      if (status === 'error') assert.fail(`the run has failed: ${await this.#lastEvents(id)}`);
      return statuses.includes(status);
    }, `the end of the run in ${id}`);
  }

  async #lastEvents(id) {
    const route = `/api/conversations/${id}/events/search?limit=10&sort_order=TIMESTAMP_DESC`;
    return (await this.#send('GET', route)).text();
  }

  async #events(id) {
    const all = [];
    for (let page; page === undefined || page !== null;) {
      const query = page === undefined ? '' : `&page_id=${page}`;
      const answer = await this.#ask('GET', `/api/conversations/${id}/events/search?limit=100${query}`);
      all.push(...answer.items);
      page = answer.next_page_id ?? null;
    }
    return all;
  }

  async #live() {
    const answer = await this.#send('GET', '/api/servers').catch(() => undefined);
    return answer?.ok ? (await answer.json()).servers : [];
  }

  /** The name of the service whose server has the conversation. */
  async #ownerOf(id) {
    const statement = `SELECT url FROM conversation c JOIN server s ON s.id = c.owner WHERE c.id = '${id}'`;
    const psql = ['psql', '--username', 'agent', '--tuples-only', '--no-align', '--command', statement];
    const url = await this.#test.engine.podman('exec', await this.#container('database'), ...psql);
    return new URL(url).hostname;
  }

  async #container(service) {
    const filter = `label=com.docker.compose.service=${service}`;
    return this.#test.engine.podman('ps', '--all', '--filter', filter, '--format', '{{.Names}}');
  }

  /**
   * Ends a service and starts it again. Its container stays: podman removes none that others depend on, and
   * `up --force-recreate` of podman-compose stops what a service depends on as well.
   */
  async #restart(service) {
    await this.#test.engine.podman('restart', '--time', String(STOP_SECONDS), await this.#container(service));
  }

  /** The restart policy may have been faster. */
  async #start(service) {
    await this.#test.engine.podman('start', await this.#container(service));
  }

  async #ask(method, route, body) {
    const answer = await this.#send(method, route, body);
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${route} answered ${answer.status}: ${text}`);
    return JSON.parse(text);
  }

  #send(method, route, body, idempotencyKey) {
    return fetch(this.#url + route, {
      method,
      headers: {
        'x-session-api-key': this.#key,
        'content-type': 'application/json',
        ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
      },
      body: body && JSON.stringify(body),
    });
  }
}

/** A socket that connects again whenever it is closed, behind the last event it saw. */
class Follower {
  ids = [];
  problems = [];
  connections = 0;
  #isStopped = false;

  constructor(url, key) {
    this.url = url;
    this.key = key;
    this.#connect();
  }

  stop() {
    this.#isStopped = true;
    this.socket.terminate();
  }

  #connect() {
    if (this.#isStopped) return;
    const headers = { 'x-session-api-key': this.key };
    this.socket = new WebSocket(`${this.url}?after_seq=${this.ids.length - 1}`, { headers });
    this.socket.on('error', () => undefined);
    this.socket.on('open', () => (this.connections += 1));
    this.socket.on('message', (data) => this.#see(JSON.parse(data.toString())));
    this.socket.on('close', () => setTimeout(() => this.#connect(), PAUSE_MS));
  }

  #see({ type, seq, event }) {
    if (type !== 'durable') return;
    if (seq === this.ids.length) this.ids.push(event.id);
    else this.problems.push(`event ${seq} where ${this.ids.length} was expected`);
  }
}

function message(text) {
  return { role: 'user', content: [{ type: 'text', text }] };
}
