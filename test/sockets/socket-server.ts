import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Global, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConversationsService } from '../../src/conversations/conversations.service.js';
import { EventBus } from '../../src/events/index.js';
import { InProcessEventBus } from '../../src/events/in-process-event-bus.js';
import { PatternWsAdapter } from '../../src/sockets/pattern-ws-adapter.js';
import { SocketAuthenticator } from '../../src/sockets/socket-authenticator.js';
import { SocketConnections } from '../../src/sockets/socket-connections.js';
import { SocketLimits } from '../../src/sockets/socket-limits.js';
import { SocketsModule } from '../../src/sockets/sockets.module.js';
import { InMemoryConversation, InMemoryConversations } from './in-memory-conversations.js';
import { SocketClient, type SocketClientOptions } from './socket-client.js';

/** A server with nothing but sockets, over conversations in memory. */
export class SocketServer {
  private readonly clients: SocketClient[] = [];

  private constructor(
    readonly app: INestApplication,
    readonly conversations: InMemoryConversations,
    readonly bus: InProcessEventBus,
    /** Host and port. */
    readonly address: string,
  ) {}

  /** Starts on a free port. With keys, one of them opens a socket. */
  static async start(
    options: { keys?: string[]; limits?: Partial<SocketLimits> } = {},
  ): Promise<SocketServer> {
    const conversations = new InMemoryConversations();
    const bus = new InProcessEventBus();
    const keys = options.keys ?? [];
    const authenticator: SocketAuthenticator = {
      required: () => keys.length > 0,
      accepts: (key) => keys.includes(key),
    };
    const outside = [
      { provide: ConversationsService, useValue: conversations },
      { provide: EventBus, useValue: bus },
      { provide: SocketAuthenticator, useValue: authenticator },
    ];
    @Global()
    @Module({ providers: outside, exports: outside })
    class OutsideModule {}
    @Module({ imports: [OutsideModule, SocketsModule] })
    class TestModule {}

    const app = await NestFactory.create(TestModule, { logger: false });
    app.useWebSocketAdapter(new PatternWsAdapter(app));
    Object.assign(app.get(SocketLimits, { strict: false }), options.limits);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return new SocketServer(app, conversations, bus, `127.0.0.1:${port}`);
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
