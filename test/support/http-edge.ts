import os from 'node:os';
import path from 'node:path';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { SESSION, setPrincipal } from '../../src/auth/index.js';
import { ContextLoader, type Repositories } from '../../src/agent/skills/index.js';
import { ConversationNotFoundError, RunLimitError } from '../../src/conversations/conversation-errors.js';
import { ConversationsController } from '../../src/conversations/api/conversations.controller.js';
import { ConversationsService } from '../../src/conversations/conversations.service.js';
import { EventController } from '../../src/conversations/api/event.controller.js';
import { EventsController } from '../../src/conversations/api/events.controller.js';
import { Tenancy } from '../../src/conversations/owners/tenancy.js';
import { LaunchProfiles } from '../../src/conversations/profiles/launch-profiles.js';
import type { StartConversationRequest } from '../../src/conversations/state/start-request.js';
import { Cipher, FileSecrets, KnownSecrets } from '../../src/crypto/index.js';
import { setupOpenApi } from '../../src/openapi/index.js';
import { configureHttp, type HttpOptions, JsonAdapter, RequestBodiesModule } from '../../src/http/index.js';
import { ProfileReferences } from '../../src/conversations/profiles/profile-references.js';
import { AgentProfiles, LlmProfiles, MetaProfiles, SettingsStore } from '../../src/settings/index.js';
import { ProviderConnections } from '../../src/settings/provider-connections/provider-connections.js';
import { FileDocuments } from '../../src/storage/file/documents/file-documents.js';

/** An id that exists. */
export const KNOWN = '280733d3-a9e7-49d7-9ac3-c38121f6f331';
/** An id that does not exist. */
export const UNKNOWN = '00000000-0000-0000-0000-000000000001';
/** An id whose reads fail with an unexpected error. */
export const BROKEN = '00000000-0000-0000-0000-00000000dead';
/** An id whose runs exceed the limit. */
export const BUSY = '00000000-0000-0000-0000-000000000429';

/** A line of the log as the storage returns it. */
export const EVENT_LINE =
  '{"id":"0ef3041a-f4dc-4c8b-8cd1-3e91c0cf4b89","timestamp":"2026-11-24T13:38:06.374775","source":"user",' +
  '"parent_id":"b0e8f2fc-abd5-48c1-b1eb-ed08e6fdd90c","llm_message":{"role":"user","content":[{"cache_prompt":false,' +
  '"type":"text","text":"hi"}],"thinking_blocks":[]},"activated_skills":[],"extended_content":[],"kind":"MessageEvent"}';

/** A stand-in for the conversations service that records its calls. */
class RecordingConversations {
  readonly calls: unknown[][] = [];
  /** The last create request. */
  started?: StartConversationRequest;

  create(request: StartConversationRequest): Promise<unknown> {
    this.started = request;
    return Promise.resolve({
      info: { id: request.conversation_id ?? KNOWN },
      created: request.conversation_id !== KNOWN,
    });
  }
  info = (id: string, skills: boolean): Promise<unknown> => this.known('info', { id }, id, skills);
  infoJson = (id: string, skills: boolean): Promise<unknown> =>
    this.known('info', Buffer.from(JSON.stringify({ id })), id, skills);
  batch = (ids: string[]): Promise<unknown> =>
    Promise.resolve(ids.map((id) => (id === KNOWN ? Buffer.from(JSON.stringify({ id })) : null)));
  search = (query: unknown): Promise<unknown> =>
    this.record('search', { items: Buffer.from(''), nextPageId: null }, query);
  count = (status: unknown): Promise<unknown> => this.record('count', 2, status);
  update = (id: string, change: unknown): Promise<unknown> => this.known('update', undefined, id, change);
  delete = (id: string): Promise<unknown> => this.known('delete', undefined, id);
  run = (id: string): Promise<unknown> => this.known('run', undefined, id);
  pause = (id: string): Promise<unknown> => this.known('pause', undefined, id);
  interrupt = (id: string): Promise<unknown> => this.known('interrupt', undefined, id);
  finalResponse = (id: string): Promise<unknown> => this.known('finalResponse', 'all done', id);
  sendMessage = (...args: [string, unknown, boolean]): Promise<unknown> =>
    this.known('sendMessage', undefined, ...args);
  respondToConfirmation = (...args: [string, boolean, string]): Promise<unknown> =>
    this.known('respondToConfirmation', undefined, ...args);
  searchEvents = (id: string, query: unknown): Promise<unknown> =>
    this.known('searchEvents', { items: Buffer.from(EVENT_LINE), nextPageId: null }, id, query);
  countEvents = (id: string, filter: unknown): Promise<unknown> => this.known('countEvents', 12, id, filter);
  eventLines = (id: string, ids: string[]): Promise<unknown> =>
    this.known(
      'eventLines',
      ids.map((event) => (EVENT_LINE.includes(event) ? EVENT_LINE : null)),
      id,
      ids,
    );

  private record(name: string, answer: unknown, ...args: unknown[]): Promise<unknown> {
    this.calls.push([name, ...args]);
    return Promise.resolve(answer);
  }

  private known(name: string, answer: unknown, id: string, ...args: unknown[]): Promise<unknown> {
    if (id === BROKEN) return Promise.reject(new Error('unexpected failure'));
    if (id === BUSY) return Promise.reject(new RunLimitError());
    if (id !== KNOWN) return Promise.reject(new ConversationNotFoundError(id));
    return this.record(name, answer, id, ...args);
  }
}

const NO_REPOSITORIES: Repositories = {
  top: () => Promise.resolve(undefined),
  files: () => Promise.resolve(undefined),
  fetch: () => Promise.reject(new Error('tests do not fetch repositories')),
};

/** In place of the guard of keys. */
const asSession: RequestHandler = (request, _response, next) => {
  setPrincipal(request, SESSION);
  next();
};

const MIB = 1024 * 1024;
/** A folder without profiles. */
const NO_FOLDER = path.join(os.tmpdir(), 'there-is-no-such-folder');

@Module({
  // Bodies of at most half a megabyte, messages of at most one.
  imports: [RequestBodiesModule.forRoot(64 * MIB, { large: MIB, other: MIB / 2 })],
  controllers: [ConversationsController, EventsController, EventController],
  providers: [
    { provide: ConversationsService, useClass: RecordingConversations },
    { provide: Tenancy, useValue: { assertMayUse: () => undefined } satisfies Pick<Tenancy, 'assertMayUse'> },
    {
      provide: LaunchProfiles,
      useFactory: () => {
        const documents = new FileDocuments(NO_FOLDER);
        const secrets = new FileSecrets(new Cipher(null), new KnownSecrets());
        const models = new LlmProfiles(documents, secrets, new ProviderConnections(documents, secrets));
        const store = new SettingsStore(documents, secrets);
        const context = new ContextLoader(NO_REPOSITORIES, NO_FOLDER, {
          agents: NO_FOLDER,
          openhands: NO_FOLDER,
        });
        const references = new ProfileReferences(models, new MetaProfiles(documents), store, context);
        return new LaunchProfiles(new AgentProfiles(documents), references);
      },
    },
  ],
})
class EdgeModule {}

/** An answer with its body as text and as JSON. */
interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: unknown;
}

/** The controllers of conversations over HTTP, on a free port. */
export class Edge {
  private constructor(
    private readonly app: NestExpressApplication,
    readonly url: string,
  ) {}

  static async start(options?: HttpOptions): Promise<Edge> {
    const app = await NestFactory.create<NestExpressApplication>(EdgeModule, new JsonAdapter(), {
      logger: false,
      bodyParser: false,
    });
    configureHttp(app, { ...options, first: [asSession, ...(options?.first ?? [])] });
    setupOpenApi(app, '1.0.0');
    await app.listen(0, '127.0.0.1');
    return new Edge(app, await app.getUrl());
  }

  /** Returns and clears the recorded calls of the service. */
  get calls(): unknown[][] {
    return this.conversations.calls.splice(0);
  }

  /** Clears the recorded calls. */
  forget(): void {
    this.conversations.calls.length = 0;
  }

  private get conversations(): RecordingConversations {
    return this.app.get<RecordingConversations>(ConversationsService);
  }

  /** The last create request that reached the service. */
  get started(): StartConversationRequest | undefined {
    return this.conversations.started;
  }

  async request(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(this.url + path, { method, redirect: 'manual', duplex: 'half', ...init });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    const body: unknown = isJson && text ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, text, body };
  }

  get(path: string): Promise<Answer> {
    return this.request('GET', path);
  }

  send(method: string, path: string, body: unknown): Promise<Answer> {
    return this.raw(method, path, JSON.stringify(body));
  }

  raw(
    method: string,
    path: string,
    body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
    type = 'application/json',
  ): Promise<Answer> {
    return this.request(method, path, { body, headers: { 'content-type': type } });
  }

  close(): Promise<void> {
    return this.app.close();
  }
}
