import 'reflect-metadata';
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import {
  All,
  Body,
  Controller,
  Get,
  Header,
  Inject,
  Module,
  Param,
  PayloadTooLargeException,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { type OnGatewayConnection, type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import type { WebSocket } from 'ws';
import {
  Authenticator,
  AuthModule,
  FailedKeys,
  protectOpenServer,
  remoteAddress,
  OriginPolicy,
} from '../../src/auth/index.js';
import { AppConfig, ConfigModule } from '../../src/config/index.js';
import { AddressProofs, ClusterKeys } from '../../src/crypto/index.js';
import { ByteBudget } from '../../src/flow/index.js';
import {
  ForwardingGuard,
  HopReceiver,
  PassReader,
  PassWriter,
  ServerAddresses,
  ServerForwarder,
} from '../../src/forwarding/index.js';
import {
  configureHttp,
  JsonAdapter,
  Operation,
  RequestBodiesModule,
  streamAnswer,
} from '../../src/http/index.js';
import { KeysModule } from '../../src/keys/keys.module.js';
import { requestLog } from '../../src/logging/index.js';
import { PatternWsAdapter } from '../../src/sockets/index.js';
import type { PatternWsServer } from '../../src/sockets/handshake/pattern-ws-adapter.js';
import { SocketAccounting } from '../../src/sockets/handshake/socket-accounting.js';
import { SocketGate } from '../../src/sockets/handshake/socket-gate.js';
import { SocketLimits } from '../../src/sockets/connections/socket-limits.js';
import { admit, readEventsResend } from '../../src/sockets/handshake/handshake.js';
import { type InMemoryCluster, type InMemoryLocator, SECRET } from './in-memory-cluster.js';
import { AccountingModule } from '../support/accounting.js';

/** The session key of the servers. */
export const KEY = 'right-key';

const C = 'api/conversations/:conversation_id';
const operation = { tag: 'Test', summary: 'Test', description: 'Test.', answers: {} };
const MIB = 1024 * 1024;

/** What a server has seen and done. */
export class Observed {
  /** Routes whose handlers were called. */
  readonly calls: string[] = [];
  /** Bytes of a download that were produced. */
  produced = 0;
  /** Bytes of an upload that were received. */
  received = 0;
  /** What happened to requests and sockets that take long. */
  readonly ends: string[] = [];
  /** Sends the next event of each open stream. */
  readonly streams: HttpResponse[] = [];
  /** Headers of the last request. */
  headers: IncomingMessage['headers'] = {};
  connections = 0;
  /** Connections that came while the server was frozen, and those of them that the other side has closed. */
  frozen = 0;
  frozenLeft = 0;
  /** Resolves before an upload reads on. */
  reading: Promise<unknown> = Promise.resolve();
}

@Controller()
class TestController {
  constructor(
    private readonly observed: Observed,
    @Inject('NAME') private readonly name: string,
  ) {}

  @Post([`${C}/echo`, 'v1/echo'])
  @Operation({ ...operation, body: { schema: { type: 'object' }, example: {} } })
  echo(@Req() request: HttpRequest, @Body() body: unknown): object {
    this.seen('echo', request);
    const { method, originalUrl: url, headers } = request;
    return { server: this.name, method, url, headers, body, address: remoteAddress(request) ?? null };
  }

  @Get([C, `${C}/events/search`, `${C}/file/home`])
  @Operation(operation)
  read(@Req() request: HttpRequest): object {
    this.seen('read', request);
    return { server: this.name, host: request.headers.host, client: remoteAddress(request) };
  }

  @Post(`${C}/file/upload`)
  @Operation(operation)
  async upload(@Req() request: HttpRequest): Promise<object> {
    this.seen('upload', request);
    const hash = createHash('sha256');
    request.once('close', () => this.observed.ends.push(request.complete ? 'complete' : 'cut upload'));
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hash.update(chunk);
      this.observed.received += chunk.length;
      await this.observed.reading;
    }
    return { server: this.name, sha256: hash.digest('hex'), bytes: this.observed.received };
  }

  @Post(`${C}/refuse`)
  @Operation(operation)
  refuse(@Req() request: HttpRequest): never {
    this.seen('refuse', request);
    throw new PayloadTooLargeException('too large');
  }

  @Get(`${C}/file/download/:bytes`)
  @Operation(operation)
  async download(@Param('bytes') bytes: string, @Res() response: HttpResponse): Promise<void> {
    response.setHeader('X-Server', this.name);
    const { observed } = this;
    observed.produced = 0;
    async function* produce() {
      await Promise.resolve();
      try {
        while (observed.produced < Number(bytes)) {
          const chunk = contentAt(observed.produced, Math.min(64 * 1024, Number(bytes) - observed.produced));
          observed.produced += chunk.length;
          yield chunk;
        }
        observed.ends.push('produced');
      } finally {
        observed.ends.push('closed');
      }
    }
    await streamAnswer(response, produce());
  }

  @Get([`${C}/stream`, `${C}/events/stream`])
  @Header('Content-Type', 'text/event-stream')
  @Operation(operation)
  stream(@Res() response: HttpResponse): void {
    response.flushHeaders();
    this.observed.streams.push(response);
    response.once('close', () => this.observed.ends.push('stream closed'));
  }

  @Get(`${C}/range`)
  @Operation(operation)
  range(@Req() request: HttpRequest, @Res() response: HttpResponse): void {
    this.seen('range', request);
    if (request.headers['if-none-match'] !== undefined) return void response.status(304).end();
    response.status(206).setHeader('Content-Range', 'bytes 1-2/4').setHeader('Set-Cookie', ['a=1', 'b=2']);
    response.end('bc');
  }

  @All(`${C}/hang`)
  @Operation(operation)
  hang(@Req() request: HttpRequest, @Res() response: HttpResponse): void {
    this.seen('hang', request);
    response.once('close', () => this.observed.ends.push('hang closed'));
  }

  @Get(`${C}/cut`)
  @Operation(operation)
  cut(@Res() response: HttpResponse): void {
    response.setHeader('Content-Length', 1000);
    response.write('some');
    setImmediate(() => response.socket?.destroy());
  }

  private seen(route: string, { headers }: HttpRequest): void {
    this.observed.calls.push(`${this.name} ${route}`);
    this.observed.headers = headers;
  }
}

/** Echoes frames; `close CODE REASON` closes the socket. */
@WebSocketGateway({ path: '/sockets/events/:conversation_id' })
class EchoGateway implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket> {
  constructor(
    private readonly gate: SocketGate,
    private readonly observed: Observed,
    @Inject('NAME') private readonly name: string,
  ) {}

  afterInit(server: PatternWsServer): void {
    server.admit = (handshake) =>
      admit(handshake, (shown) => this.gate.checkHandshake(shown), readEventsResend);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage): void {
    this.observed.calls.push(`${this.name} socket`);
    this.observed.headers = request.headers;
    socket.send(JSON.stringify({ server: this.name, url: request.url, client: remoteAddress(request) }));
    socket.on('close', (code, reason) => this.observed.ends.push(`socket ${code} ${reason.toString()}`));
    socket.on('message', (data: Buffer, isBinary) => {
      const [word, code, ...reason] = isBinary ? [] : data.toString().split(' ');
      if (word === 'close') socket.close(Number(code), reason.join(' '));
      else if (word === 'flood') this.flood(socket, Number(code));
      else socket.send(data, { binary: isBinary });
    });
  }

  /** Sends as fast as the connection takes it. */
  private flood(socket: WebSocket, frames: number): void {
    this.observed.produced = 0;
    const frame = Buffer.alloc(64 * 1024, 1);
    const next = (): void => {
      if (this.observed.produced >= frames * frame.length || socket.readyState !== socket.OPEN) return;
      this.observed.produced += frame.length;
      socket.send(frame, next);
    };
    next();
  }
}

/** Bytes of a download: differ by position. */
export function contentAt(position: number, length: number): Buffer {
  const content = Buffer.alloc(length, position % 251);
  if (length >= 8) content.writeDoubleBE(position);
  return content;
}

/** A server of the cluster with routes for tests, on a free port. */
export class ForwardingServer {
  private constructor(
    readonly id: string,
    readonly app: NestExpressApplication,
    readonly observed: Observed,
    readonly locator: InMemoryLocator,
    readonly url: string,
  ) {}

  /** @param keys settings that differ from those of the other servers */
  static async start(
    name: string,
    cluster: InMemoryCluster,
    settings: Partial<AppConfig> = {},
  ): Promise<ForwardingServer> {
    const config = Object.assign(new AppConfig(), {
      ...{ session_api_keys: [KEY], secret_key: SECRET },
      ...settings,
    });
    const id = randomUUID();
    const locator = cluster.locatorOf(id);
    const observed = new Observed();
    const [keys, addressKeys] = (['requests', 'addresses'] as const).map(
      (purpose) => ClusterKeys.from(config, purpose) ?? ClusterKeys.random(),
    ) as [ClusterKeys, ClusterKeys];
    const proofs = new AddressProofs(addressKeys);
    cluster.signers.set(id, proofs);
    const addresses = new ServerAddresses(proofs, config.accept_unsigned_servers);
    const forwarder = new ServerForwarder(locator, new PassWriter(keys), addresses);
    @Module({
      providers: [
        { provide: ServerForwarder, useValue: forwarder },
        { provide: APP_GUARD, useClass: ForwardingGuard },
      ],
    })
    class ForwardingModule {}
    @Module({
      imports: [
        ConfigModule.forRoot(config),
        RequestBodiesModule.forRoot(64 * MIB),
        KeysModule,
        AuthModule,
        AccountingModule,
        ForwardingModule,
      ],
      controllers: [TestController],
      providers: [
        { provide: Observed, useValue: observed },
        { provide: 'NAME', useValue: name },
        {
          provide: SocketGate,
          inject: [Authenticator, FailedKeys, ByteBudget, SocketAccounting],
          useFactory: (
            authenticator: Authenticator,
            failed: FailedKeys,
            budget: ByteBudget,
            accounting: SocketAccounting,
          ) => new SocketGate(authenticator, failed, budget, new SocketLimits(config), accounting),
        },
        EchoGateway,
      ],
    })
    class TestModule {}

    const options = { logger: false as const, bodyParser: false, forceCloseConnections: true };
    const app = await NestFactory.create<NestExpressApplication>(TestModule, new JsonAdapter(), options);
    const server: Server = app.getHttpServer();
    server.on('connection', () => (observed.connections += 1));
    const open = protectOpenServer(server, config, new OriginPolicy(config));
    const receiver = new HopReceiver(new PassReader(keys), id);
    receiver.guardUpgrades(server);
    app.useWebSocketAdapter(new PatternWsAdapter(app, forwarder));
    configureHttp(app, { first: [receiver.middleware, requestLog(remoteAddress), ...(open ? [open] : [])] });
    await app.listen(0, '127.0.0.1');
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    cluster.urls.set(id, url);
    return new ForwardingServer(id, app, observed, locator, url);
  }

  socketUrl(conversationId: string, query = ''): string {
    return `${this.url.replace('http', 'ws')}/sockets/events/${conversationId}${query}`;
  }

  /** Stops answering, without closing anything, as a frozen process does. @returns a function that goes on */
  freeze(): () => void {
    const server: Server = this.app.getHttpServer();
    const { observed } = this;
    const listeners = server.listeners('connection');
    const onConnection = (socket: Socket): void => {
      observed.frozen += 1;
      socket.on('error', () => undefined).on('end', () => socket.destroy());
      socket.resume().on('close', () => (observed.frozenLeft += 1));
    };
    server.removeAllListeners('connection').on('connection', onConnection);
    return () => {
      server.removeAllListeners('connection');
      for (const listener of listeners) server.on('connection', listener as (socket: Socket) => void);
    };
  }

  stop(): Promise<void> {
    return this.app.close();
  }
}
