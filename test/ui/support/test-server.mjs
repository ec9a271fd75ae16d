import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startServer } from '../../support/with-server.mjs';

/** A server for browser tests, in a folder of its own, that can be restarted at its address. */
export class TestServer {
  #running;
  #folder;
  #environment;

  constructor(folder, environment) {
    this.#folder = folder;
    this.#environment = environment;
  }

  /** @param environment further variables of the server, such as `SESSION_API_KEY` */
  static async start(folder, environment = {}) {
    await mkdir(folder, { recursive: true });
    const home = { HOME: folder, OH_PERSISTENCE_DIR: path.join(folder, '.openhands') };
    const server = new TestServer(folder, { ...home, ...environment });
    await server.start();
    return server;
  }

  /** The address, which stays the same after a restart. */
  get url() {
    return this.#running.url;
  }

  /** Where the server runs; workspaces are below it. */
  get folder() {
    return this.#folder;
  }

  get pid() {
    return this.#running.pid;
  }

  get key() {
    return this.#environment.SESSION_API_KEY;
  }

  /** All that the server has printed since its start. */
  log() {
    return this.#running.log();
  }

  /** @param changes of the environment from now on */
  async start(changes = {}) {
    Object.assign(this.#environment, changes);
    const port = this.#running === undefined ? '0' : new URL(this.url).port;
    this.#running = await startServer(this.#folder, this.#environment, port);
  }

  /** Ends the server as Ctrl-C does. */
  async stop() {
    await this.#running.stop();
  }

  async restart(changes = {}) {
    await this.stop();
    await this.start(changes);
  }

  /** Sends a request with the key; the answer must be successful. @returns its parsed body */
  async api(method, route, body) {
    const response = await fetch(this.url + route, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(this.key === undefined ? {} : { 'X-Session-API-Key': this.key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${route} answered ${response.status}: ${text.slice(0, 500)}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /**
   * Creates a conversation of the scripted model.
   * @param script the first message, `RUN: echo hi` for instance; without one nothing runs
   * @param more fields of the request
   * @returns its id
   */
  async conversation(script, more = {}) {
    const workingDir = path.join(this.#folder, 'project');
    await mkdir(workingDir, { recursive: true });
    const { id } = await this.api('POST', '/api/conversations', {
      agent: {
        llm: { model: 'scripted/test', usage_id: 'agent' },
        tools: [{ name: 'terminal' }, { name: 'file_editor' }, { name: 'task_tracker' }],
      },
      workspace: { working_dir: workingDir },
      autotitle: false,
      ...(script === undefined
        ? {}
        : { initial_message: { role: 'user', content: [{ type: 'text', text: script }], run: true } }),
      ...more,
    });
    return id;
  }

  /** Waits until a conversation has one of the statuses. */
  async reaches(id, ...statuses) {
    await until(
      async () => statuses.includes((await this.api('GET', `/api/conversations/${id}`)).execution_status),
      `${id} to be ${statuses.join(' or ')}`,
    );
  }
}

/** Waits until a condition holds. */
export async function until(condition, what, ms = 30_000) {
  const end = performance.now() + ms;
  for (;;) {
    if (await condition()) return;
    assert.ok(performance.now() < end, `waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
