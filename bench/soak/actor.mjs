import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from './random.mjs';
import { Watcher } from './watcher.mjs';

/** Operations of an actor, with their weights. */
const OPERATIONS = {
  speak: 30,
  note: 15,
  interrupt: 8,
  pause: 5,
  run: 8,
  read: 12,
  rename: 4,
  long: 3,
  command: 3,
  fork: 3,
  leave: 3,
  remove: 3,
};
/** Statuses that a client must expect: success, the run limit, a removed conversation, a conflict. */
const EXPECTED = new Set([200, 201, 204, 400, 404, 409, 429]);

/** A client that works with one conversation after the other and records everything that was acknowledged. */
export class Actor {
  /** What was acknowledged for each conversation, and whether it still exists. */
  conversations = new Map();
  faults = [];
  operations = 0;
  #name;
  #seed;
  #random;
  #server;
  #options;
  #current;
  #watcher;
  #count = 0;

  /** @param options modelUrl, workingDir */
  constructor(name, seed, server, options) {
    this.#name = name;
    this.#seed = seed;
    this.#random = Random.of(seed, name);
    this.#server = server;
    this.#options = options;
  }

  /** Works until `isOver` returns true. */
  async work(isOver) {
    while (!isOver()) {
      this.#current ??= await this.#begin();
      if (!this.#watcher) this.#watch(this.#current);
      const operation = this.#random.pick(OPERATIONS);
      await this.#do(operation, this.#current);
      this.operations += 1;
      await sleep(this.#random.whole(20, 600));
    }
  }

  /** Closes its socket. Runs continue. */
  async rest() {
    await this.#watcher?.stop();
    this.#keepFaults();
    this.#watcher = undefined;
  }

  #keepFaults() {
    for (const fault of this.#watcher?.faults ?? []) this.faults.push(`${this.#name}, socket: ${fault}`);
  }

  async #begin() {
    const usesEndpoint = this.#random.next() < 0.5;
    const llm = usesEndpoint
      ? { model: 'openai/soak', base_url: this.#options.modelUrl, api_key: 'k', num_retries: 2 }
      : { model: 'scripted/soak' };
    const waits = { usage_id: 'agent', timeout: 5, retry_min_wait: 1, retry_max_wait: 1 };
    const body = {
      agent: { llm: { ...llm, ...waits }, tools: [{ name: 'terminal' }, { name: 'file_editor' }] },
      workspace: { working_dir: this.#options.workingDir },
      autotitle: false,
    };
    const key = `${this.#seed} ${this.#name} ${(this.#count += 1)}`;
    const { id } = JSON.parse(
      await this.#send('POST', '/api/conversations', body, { 'idempotency-key': key }),
    );
    return this.#take(id, { isFork: false });
  }

  #take(id, { isFork, tokens = [] }) {
    const conversation = {
      id,
      isFork,
      tokens: [...tokens],
      inherited: tokens.length,
      removed: false,
      watchers: [],
    };
    this.conversations.set(id, conversation);
    this.#watch(conversation);
    return conversation;
  }

  #watch(conversation) {
    const random = Random.of(this.#seed, `socket ${this.#name} ${this.#count}`);
    this.#watcher = new Watcher(this.#server, conversation.id, random);
    conversation.watchers.push(this.#watcher);
  }

  async #do(operation, conversation) {
    const route = `/api/conversations/${conversation.id}`;
    switch (operation) {
      case 'speak':
        return this.#speak(conversation, { run: true });
      case 'note':
        return this.#speak(conversation, { run: false });
      case 'long':
        return this.#speak(conversation, { run: false, more: 'x'.repeat(300_000) });
      case 'interrupt':
      case 'pause':
      case 'run':
        return void (await this.#send('POST', `${route}/${operation}`));
      case 'read':
        await this.#send('GET', `${route}/events/search?limit=${this.#random.whole(1, 100)}`);
        return void (await this.#send('GET', route));
      case 'rename':
        return void (await this.#send('PATCH', route, { title: `title ${this.#random.whole(1, 1000)}` }));
      case 'command':
        return void (await this.#send('POST', '/api/bash/execute_bash_command', {
          command: this.#random.pick({
            'echo x': 3,
            'head -c 2000000 /dev/zero | tr "\\0" x': 1,
            'sleep 60': 1,
          }),
          timeout: 2,
        }));
      case 'fork':
        return this.#fork(conversation);
      case 'leave':
        await this.rest();
        this.#current = undefined;
        return undefined;
      default:
        return this.#remove(conversation);
    }
  }

  /** A message contains a token, which identifies it, and has an idempotency key. */
  async #speak(conversation, { run, more = '' }) {
    const token = `token-${this.#name}-${(this.#count += 1)}-end`;
    const script = [
      `RUN: echo ${this.#random.whole(1, 1000)}`,
      ...(this.#random.next() < 0.3 ? [`WAIT: ${this.#random.whole(1, 3)}`] : []),
      ...(this.#random.next() < 0.2 ? ['RUN: sleep 20'] : []),
      'FINISH: done',
    ];
    const text = `${token}${more}\n${script.join('\n')}`;
    const body = { role: 'user', content: [{ type: 'text', text }], run };
    const headers = { 'idempotency-key': `${this.#seed} ${token}` };
    const status = { of: 0 };
    await this.#send('POST', `/api/conversations/${conversation.id}/events`, body, headers, status);
    // With 429 the message is stored as well; only its run is refused.
    if (status.of === 200 || status.of === 429) conversation.tokens.push(token);
  }

  async #fork(conversation) {
    const status = { of: 0 };
    const text = await this.#send('POST', `/api/conversations/${conversation.id}/fork`, {}, {}, status);
    if (status.of !== 201) return;
    await this.rest();
    this.#current = this.#take(JSON.parse(text).id, { isFork: true, tokens: conversation.tokens });
  }

  async #remove(conversation) {
    await this.rest();
    await this.#send('DELETE', `/api/conversations/${conversation.id}`);
    conversation.removed = true;
    this.#current = undefined;
  }

  async #send(method, route, body, headers, status = { of: 0 }) {
    const answer = await this.#server.insist(method, route, body, headers);
    status.of = answer.status;
    if (!EXPECTED.has(answer.status)) {
      this.faults.push(`${method} ${route} answered ${answer.status}: ${answer.text.slice(0, 200)}`);
    }
    return answer.text;
  }
}
