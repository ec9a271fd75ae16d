/**
 * Gives a task to an agent: creates a conversation, prints its events as they happen, asks before each action
 * if you want that, and ends with the run. docs/write-a-client.md explains it; client.py does the same.
 *
 *     npx tsx examples/client/client.ts [--confirm] "your task"
 *
 * Variables: AGENT_SERVER_URL (http://localhost:8000), SESSION_API_KEY, LLM_MODEL (scripted/demo),
 * LLM_API_KEY, LLM_BASE_URL. Node 22.18 and newer run the file without tsx.
 */
import { randomUUID } from 'node:crypto';
import { on } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

const { env } = process;
const SERVER = env['AGENT_SERVER_URL'] ?? 'http://localhost:8000';
const AUTHENTICATION: Record<string, string> = env['SESSION_API_KEY']
  ? { 'X-Session-API-Key': env['SESSION_API_KEY'] }
  : {};
const ATTEMPTS = 30;

interface Content {
  text?: string;
}

/** The fields of events that this client reads. There are more fields, and more kinds. */
interface Event {
  kind: string;
  source: string;
  key?: string;
  value?: { execution_status: string };
  llm_message?: { content: Content[] };
  thought?: Content[];
  summary?: string;
  tool_name?: string;
  tool_call_id?: string;
  observation?: { content: Content[] };
  error?: string;
  code?: string;
  detail?: string;
}

/** A frame of `/sockets/session/{id}`. */
type Frame =
  | { type: 'sync' | 'item_aborted' }
  | { type: 'item_started'; item_id: string }
  | { type: 'durable'; seq: number; event: Event }
  | { type: 'transient'; event: Event }
  | { type: 'delta'; item_id: string; order: number; kind: 'text' | 'reasoning'; content: string }
  | { type: 'error'; code: string; detail: string };

/** An answer or a close code that another attempt would not change. */
class RefusedError extends Error {}

/** Sends a JSON body. Repeats it while the server cannot be reached or asks for that with `Retry-After`. */
async function post<T>(path: string, body: unknown): Promise<T> {
  // The same key in each attempt: however often the request arrives, it is executed once.
  const headers = {
    ...AUTHENTICATION,
    'Content-Type': 'application/json',
    'Idempotency-Key': randomUUID(),
  };
  for (let attempt = 1; ; attempt++) {
    let seconds = Math.min(attempt / 4, 5);
    try {
      const answer = await fetch(SERVER + path, { method: 'POST', headers, body: JSON.stringify(body) });
      const text = await answer.text();
      if (answer.ok) return JSON.parse(text) as T;
      const retryAfter = answer.headers.get('Retry-After');
      if (retryAfter === null || attempt === ATTEMPTS) {
        throw new RefusedError(`${answer.status} ${explanation(text)}`);
      }
      seconds = Math.min(Number(retryAfter), 30);
    } catch (error) {
      if (error instanceof RefusedError || attempt === ATTEMPTS) throw error;
    }
    await sleep(seconds * 1000);
  }
}

/** The `detail` of an error: a text, or for a 422 a list that names the fields. */
function explanation(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail: string | { loc: unknown[]; msg: string }[] };
    if (typeof detail === 'string') return detail;
    return detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ');
  } catch {
    return text;
  }
}

/** Follows a conversation until its run has ended, over any number of connections. */
class Follower {
  private readonly id: string;
  /** The last event that was seen: a new connection continues after it. */
  private seq = -1;
  /** Actions without a result, by the id of their call. */
  private readonly pending = new Map<string, string>();
  /** The answer whose pieces are printed as they come: all of them so far. */
  private answering: { id: string; pieces: number; text: string } | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** @returns the status of the conversation at the end of the run */
  async follow(): Promise<string> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const before = this.seq;
      const status = await this.connect();
      if (status !== undefined) return status;
      if (this.seq > before) attempt = 1;
      print(`(the connection was lost; it is resumed after event ${this.seq})`);
      this.answering = undefined;
      await sleep(Math.min(attempt / 4, 5) * 1000);
    }
    throw new Error('the server cannot be reached');
  }

  /** @returns undefined when the connection was lost */
  private async connect(): Promise<string | undefined> {
    const url = `${SERVER.replace(/^http/, 'ws')}/sockets/session/${this.id}?after_seq=${this.seq}`;
    const socket = new WebSocket(url, { headers: AUTHENTICATION });
    let closeCode = 0;
    socket.on('close', (code) => (closeCode = code));
    try {
      for await (const [data] of on(socket, 'message', { close: ['close'] }) as AsyncIterable<[Buffer]>) {
        const status = await this.handle(JSON.parse(data.toString()) as Frame);
        if (status !== undefined) return status;
      }
    } catch (error) {
      // A wrong key is answered with 403 before the socket opens.
      if (error instanceof RefusedError || /response: 4\d\d/.test(String(error))) throw error;
    } finally {
      socket.close();
    }
    // 4001: the key is missing. 4004: there is no such conversation.
    if (closeCode >= 4000) throw new RefusedError(`the server closed the socket with ${closeCode}`);
    return undefined;
  }

  /** @returns the status when the run has ended */
  private async handle(frame: Frame): Promise<string | undefined> {
    switch (frame.type) {
      case 'durable':
        this.seq = frame.seq;
        this.show(frame.event);
        return undefined;
      case 'item_started':
        this.answering = { id: frame.item_id, pieces: 0, text: '' };
        return undefined;
      case 'delta':
        this.stream(frame);
        return undefined;
      case 'item_aborted':
        print('\n(the model begins this answer again)');
        this.answering = undefined;
        return undefined;
      case 'transient':
        return this.continue(frame.event.value?.execution_status);
      case 'error':
        print(`${frame.code}: ${frame.detail}`);
        return undefined;
      default:
        return undefined;
    }
  }

  /** Decides by the state, which comes after the replay and at the end of each run. */
  private async continue(status = 'running'): Promise<string | undefined> {
    if (status === 'idle' || status === 'running') return undefined;
    if (status !== 'waiting_for_confirmation') return status;
    if (this.pending.size === 0) return undefined;
    const accept = await confirm([...this.pending.values()]);
    this.pending.clear();
    await post(`/api/conversations/${this.id}/events/respond_to_confirmation`, { accept });
    // No run follows a rejection: the agent waits for a message that says what to do instead.
    return accept ? undefined : 'rejected';
  }

  private show(event: Event): void {
    const { kind, source, summary = event.tool_name ?? '', tool_call_id: call = '' } = event;
    if (kind === 'MessageEvent' && source === 'agent') this.answer(event.llm_message?.content);
    if (kind === 'ActionEvent') {
      this.answer(event.thought);
      this.pending.set(call, summary);
      print(`> ${summary}`);
    }
    if (kind === 'ObservationEvent') print(textOf(event.observation?.content));
    if (kind === 'AgentErrorEvent') print(event.error ?? '');
    if (kind === 'ConversationErrorEvent') print(`${event.code ?? ''}: ${event.detail ?? ''}`);
    if (kind !== 'ActionEvent') this.pending.delete(call);
  }

  /**
   * Prints a piece of an answer. Who connects in the middle of one, or reads too slowly, misses pieces: the
   * event has the whole text.
   */
  private stream({ item_id, order, kind, content }: Frame & { type: 'delta' }): void {
    const { answering } = this;
    if (answering?.id !== item_id || answering.pieces++ !== order) {
      if (answering?.text) print('');
      this.answering = undefined;
    } else if (kind === 'text') {
      answering.text += content;
      process.stdout.write(content);
    }
  }

  /** Prints what the model said, unless its pieces were printed. */
  private answer(content: Content[] = []): void {
    const text = textOf(content);
    if (this.answering?.text === text && text !== '') print('');
    else if (text !== '') print(text);
    this.answering = undefined;
  }
}

const textOf = (content: Content[] = []): string => content.map(({ text }) => text ?? '(image)').join('\n');

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function confirm(actions: string[]): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Allow ${actions.join(', ')}? [y/N] `);
  terminal.close();
  return answer.trim().toLowerCase() === 'y';
}

async function main(args: string[]): Promise<void> {
  const task = args.filter((arg) => arg !== '--confirm').join(' ');
  if (task === '') throw new Error('usage: client.ts [--confirm] "your task"');
  const { id } = await post<{ id: string }>('/api/conversations', {
    agent: {
      llm: {
        model: env['LLM_MODEL'] ?? 'scripted/demo',
        api_key: env['LLM_API_KEY'] ?? null,
        base_url: env['LLM_BASE_URL'] ?? null,
        stream: true,
      },
      tools: [{ name: 'terminal' }, { name: 'file_editor' }, { name: 'task_tracker' }],
    },
    workspace: { working_dir: 'workspace/project' },
    confirmation_policy: { kind: args.includes('--confirm') ? 'AlwaysConfirm' : 'NeverConfirm' },
    initial_message: { role: 'user', content: [{ type: 'text', text: task }] },
  });
  print(`conversation ${id}`);
  const status = await new Follower(id).follow();
  print(`The conversation is ${status}.`);
  process.exitCode = status === 'finished' ? 0 : 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
