import { randomUUID } from 'node:crypto';
import {
  type Message,
  type Part,
  Role,
  type SendMessageRequest,
  type StreamResponse,
  type Task,
  TaskState,
} from '@a2a-js/sdk';
import {
  type Client,
  ClientFactory,
  ClientFactoryOptions,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
} from '@a2a-js/sdk/client';
import { scriptedRequest } from './conversation-client.js';
import type { ServerProcess } from './server-process.js';
import { SettingsFixture } from './settings-fixture.js';

/** The session key of the servers. */
export const KEY = 'a2a-session-key';

/** A server whose new conversations have a scripted model, and clients of the A2A protocol. */
export class A2aFixture {
  private constructor(private readonly settings: SettingsFixture) {}

  static async start(env: Record<string, string> = {}): Promise<A2aFixture> {
    const fixture = new A2aFixture(await SettingsFixture.start({ SESSION_API_KEY: KEY, ...env }));
    await useScriptedModel(fixture.server);
    return fixture;
  }

  get server(): ServerProcess {
    return this.settings.server;
  }

  /** The client of the SDK, as a program gets it that knows the address of the server and a key. */
  client(key = KEY): Promise<Client> {
    return a2aClient(this.server.url, key);
  }

  /** Sends a body to the endpoint as it is. */
  post(body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.server.url}/a2a`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal,
    });
  }

  /** Sends a request of JSON-RPC. @returns the answer */
  async rpc(method: string, params: unknown, headers: Record<string, string> = {}): Promise<RpcAnswer> {
    const response = await this.post({ jsonrpc: '2.0', id: 1, method, params }, headers);
    return (await response.json()) as RpcAnswer;
  }

  /** A request to the REST API that has to succeed. */
  ok(method: string, route: string, body?: unknown): Promise<Record<string, unknown>> {
    return this.settings.done(method, route, body, { 'x-session-api-key': KEY });
  }

  /** A new conversation of the REST API whose actions wait for approvals. @returns its id */
  async asking(): Promise<string> {
    const request = scriptedRequest('work', undefined, { confirmation_policy: { kind: 'AlwaysConfirm' } });
    return String((await this.ok('POST', '/api/conversations', request))['id']);
  }

  /** The events of a conversation. */
  async events(id: string): Promise<Record<string, unknown>[]> {
    const { items } = await this.ok('GET', `/api/conversations/${id}/events/search?limit=100`);
    return items as Record<string, unknown>[];
  }

  restart(signal?: NodeJS.Signals): Promise<void> {
    return this.settings.restart(signal);
  }

  stop(): Promise<void> {
    return this.settings.stop();
  }
}

/** An answer of JSON-RPC. */
export interface RpcAnswer {
  id: unknown;
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
}

/** Has new conversations use the scripted model, which the settings name. */
export async function useScriptedModel(server: ServerProcess): Promise<void> {
  const { status } = await server.request(
    'PATCH',
    '/api/settings',
    { agent_settings_diff: { llm: { model: 'scripted/test' } } },
    { 'x-session-api-key': KEY },
  );
  if (status !== 200) throw new Error(`the settings answered ${status}`);
}

/** The client of the SDK for a server. */
export async function a2aClient(url: string, key = KEY): Promise<Client> {
  const fetchImpl: typeof fetch = (input, init) =>
    fetch(input, {
      ...init,
      headers: [...new Headers(init?.headers), ['authorization', `Bearer ${key}`]],
    });
  const options = ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
    transports: [new JsonRpcTransportFactory({ fetchImpl })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
  });
  return new ClientFactory(options).createFromUrl(url);
}

/** A message of the user. */
export function message(text: string, more: Partial<Message> = {}): Message {
  return {
    messageId: randomUUID(),
    role: Role.ROLE_USER,
    contextId: '',
    taskId: '',
    parts: [textPart(text)],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
    ...more,
  };
}

/** A part with a text. */
export function textPart(text: string): Part {
  return { content: { $case: 'text', value: text }, metadata: undefined, filename: '', mediaType: '' };
}

/** A request to send a message. */
export function sending(sent: Message, more: Partial<SendMessageRequest> = {}): SendMessageRequest {
  return { tenant: '', message: sent, configuration: undefined, metadata: undefined, ...more };
}

/** Sends a message. @returns the task, when it rests */
export async function sendTo(client: Client, sent: Message, returnImmediately = false): Promise<Task> {
  const configuration = { acceptedOutputModes: [], taskPushNotificationConfig: undefined, returnImmediately };
  const answer = await client.sendMessage(sending(sent, { configuration }));
  if ('messageId' in answer) throw new Error('no task');
  return answer;
}

/** The text of an artifact or a message. */
export function textOf(holder: { parts: Part[] } | undefined): string {
  const parts = holder?.parts ?? [];
  return parts.flatMap(({ content }) => (content?.$case === 'text' ? [content.value] : [])).join('\n');
}

/** What a stream has told, as a client puts it together. */
export interface ToldStream {
  task: Task;
  states: string[];
  /** The artifact in the end, and how many pieces of it there were. */
  answer: string;
  pieces: number;
  /** All pieces, also those of an artifact that began anew. */
  all: string;
  /** Messages of statuses. */
  said: string[];
}

/** Reads a stream to its end. */
export async function readStream(
  stream: AsyncIterable<StreamResponse>,
  onEvent: (event: StreamResponse) => void = () => undefined,
): Promise<ToldStream> {
  let task: Task | undefined;
  const told = { states: [] as string[], answer: '', all: '', pieces: 0, said: [] as string[] };
  for await (const event of stream) {
    onEvent(event);
    const { payload } = event;
    if (payload?.$case === 'task') task = payload.value;
    if (payload?.$case === 'statusUpdate') {
      const { state = TaskState.UNRECOGNIZED, message: said } = payload.value.status ?? {};
      told.states.push(TaskState[state].replace('TASK_STATE_', '').toLowerCase());
      if (said) told.said.push(textOf(said));
    }
    if (payload?.$case === 'artifactUpdate') {
      told.answer = (payload.value.append ? told.answer : '') + textOf(payload.value.artifact);
      told.all += textOf(payload.value.artifact);
      told.pieces += 1;
    }
  }
  if (!task) throw new Error('a stream without a task');
  return { task, ...told };
}
