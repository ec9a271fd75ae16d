import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Authenticator, FailedKeysModule, SessionKeys } from '../../src/auth/index.js';
import { AppConfig, ConfigModule } from '../../src/config/index.js';
import { ConversationsService } from '../../src/conversations/conversations.service.js';
import { Ownership, SummaryFeed } from '../../src/conversations/index.js';
import { EventBus } from '../../src/events/index.js';
import { InProcessEventBus } from '../../src/events/bus/in-process-event-bus.js';
import { RequestBodiesModule } from '../../src/http/index.js';
import { ConversationsGateway } from '../../src/sockets/gateways/conversations.gateway.js';
import { EventsGateway } from '../../src/sockets/gateways/events.gateway.js';
import { LegacyEventsGateway } from '../../src/sockets/gateways/legacy-events.gateway.js';
import { SocketConnections } from '../../src/sockets/connections/socket-connections.js';
import { PatternWsAdapter } from '../../src/sockets/handshake/pattern-ws-adapter.js';
import { SessionGateway } from '../../src/sockets/gateways/session.gateway.js';
import { KeysModule } from '../../src/keys/keys.module.js';
import { AccountingModule } from '../support/accounting.js';
import { SocketGate } from '../../src/sockets/handshake/socket-gate.js';
import { SocketLimits } from '../../src/sockets/connections/socket-limits.js';
import { InMemoryConversation, InMemoryConversations, InMemorySummaries } from './in-memory-conversations.js';
import { SocketClient, type SocketClientOptions } from './socket-client.js';

/** A server that has only sockets, with conversations in memory. */
export class SocketServer {
  private readonly clients: SocketClient[] = [];

  private constructor(
    readonly app: INestApplication<Server>,
    readonly conversations: InMemoryConversations,
    readonly summaries: InMemorySummaries,
    readonly bus: InProcessEventBus,
    /** Host and port. */
    readonly address: string,
  ) {}

  /** Starts on a free port. */
  static async start(
    options: { config?: Partial<AppConfig>; limits?: Partial<SocketLimits>; bytesInFlight?: number } = {},
  ): Promise<SocketServer> {
    const conversations = new InMemoryConversations();
    const bus = new InProcessEventBus();
    const summaries = new InMemorySummaries();
    const config = Object.assign(new AppConfig(), options.config);
    @Module({
      imports: [
        ConfigModule.forRoot(config),
        KeysModule,
        AccountingModule,
        FailedKeysModule,
        RequestBodiesModule.forRoot(options.bytesInFlight ?? 64 * 1024 * 1024),
      ],
      providers: [
        { provide: ConversationsService, useValue: conversations },
        // All conversations exist for all keys of these tests; test/tenants has those for which they do not.
        {
          provide: Ownership,
          useValue: { assertVisible: () => Promise.resolve() } satisfies Pick<Ownership, 'assertVisible'>,
        },
        { provide: EventBus, useValue: bus },
        SessionKeys,
        Authenticator,
        // Its clients have session keys, for which all conversations exist.
        { provide: Ownership, useValue: { assertVisible: () => Promise.resolve() } },
        { provide: SocketLimits, useValue: Object.assign(new SocketLimits(config), options.limits) },
        SocketGate,
        SocketConnections,
        EventsGateway,
        LegacyEventsGateway,
        SessionGateway,
        { provide: SummaryFeed, useValue: summaries },
        ConversationsGateway,
      ],
    })
    class TestModule {}

    const app = await NestFactory.create<INestApplication<Server>>(TestModule, { logger: false });
    app.useWebSocketAdapter(new PatternWsAdapter(app));
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return new SocketServer(app, conversations, summaries, bus, `127.0.0.1:${port}`);
  }

  get connections(): SocketConnections {
    return this.app.get(SocketConnections);
  }

  conversation(turns?: () => number): InMemoryConversation {
    const conversation = new InMemoryConversation(randomUUID(), this.bus, turns);
    this.conversations.byId.set(conversation.id, conversation);
    return conversation;
  }

  /** A client that is connected (or was refused: see `SocketClient.refused`). */
  async connect(path: string, options?: SocketClientOptions): Promise<SocketClient> {
    const client = await SocketClient.connect(`ws://${this.address}${path}`, options);
    this.clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.socket.terminate();
    await this.app.close();
  }
}
