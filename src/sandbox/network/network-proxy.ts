import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import path from 'node:path';
import { pipeline, type Duplex } from 'node:stream';
import { makeTemporaryFolder } from '../../files/index.js';
import { parseUrl } from '../../text/index.js';
import type { ProgramStart } from '../sandbox.js';
import { dial, lookupOfMachine, ProxyRefusal, type Lookup } from './dial.js';
import { forwardedProgram } from './forwarder.js';
import { parseTarget, type HostList, type HostTarget } from './host-list.js';

/** Bounds of what a program may send before it is passed on. */
const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_MS = 10_000;
/** Connections of all programs at a time. */
const MAX_CONNECTIONS = 512;
/** How long (ms) a connection may be silent. */
const IDLE_MS = 5 * 60_000;
/** The longest path of a socket, with its final zero (Linux: 108, macOS: 104). */
const MAX_SOCKET_PATH = 103;
/** Hosts whose refusal has been reported; each is reported once. */
const MAX_REPORTED = 1000;

/** Headers for one connection only (RFC 9110, 7.6.1), which are not passed on. */
const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/** How a proxy is started. */
export interface ProxyOptions {
  hosts: HostList;
  /** Called once for each host that is refused. */
  onRefusal?: (reason: string) => void;
  lookup?: Lookup;
}

/**
 * Lets programs without a network reach listed hosts: an HTTP proxy (CONNECT, and requests for `http:` URLs)
 * on a socket of the file system, which is mounted into their sandboxes.
 *
 * It passes on bytes: what a name inside of TLS or a header of an encrypted request says is not seen.
 */
export class NetworkProxy {
  private readonly server: Server;
  private readonly connections = new Set<Duplex>();
  private readonly reported = new Set<string>();

  private constructor(
    private readonly options: ProxyOptions,
    private readonly folder: string,
    /** Absolute path. */
    readonly socket: string,
  ) {
    this.server = http.createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: HEADERS_MS / 2,
      requestTimeout: 0,
      keepAliveTimeout: 5_000,
    });
    this.server.maxConnections = MAX_CONNECTIONS;
    this.server.on('connect', (request, socket, head) => void this.tunnel(request, socket, head));
    this.server.on('request', (request, response) => void this.forward(request, response));
    this.server.on('connection', (socket) => this.track(socket));
    // Such as a lack of file descriptors: the next connection may be accepted again.
    this.server.on('error', () => undefined);
  }

  /** Close it. @throws errors of the system */
  static async start(options: ProxyOptions): Promise<NetworkProxy> {
    let folder = await makeTemporaryFolder('proxy');
    // TMPDIR may be a long path.
    if (Buffer.byteLength(path.join(folder, 'proxy')) > MAX_SOCKET_PATH) {
      await rm(folder, { recursive: true });
      folder = await makeTemporaryFolder('proxy', '/tmp');
    }
    const proxy = new NetworkProxy(options, folder, path.join(folder, 'proxy'));
    proxy.server.listen(proxy.socket);
    await once(proxy.server, 'listening');
    return proxy;
  }

  /**
   * What to start in a sandbox without a network instead of a program: the same program, once a forwarder in
   * the sandbox connects it with this proxy.
   */
  wrap(start: ProgramStart): ProgramStart {
    return forwardedProgram(start, this.socket, this.options.hosts);
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const connection of this.connections) connection.destroy();
    await closed;
    await rm(this.folder, { recursive: true, force: true });
  }

  private async tunnel(request: IncomingMessage, inner: Duplex, head: Buffer): Promise<void> {
    // The server no longer watches this connection.
    inner.on('error', () => inner.destroy());
    try {
      const target = parseTarget(request.url ?? '');
      if (!target) throw new ProxyRefusal(400, 'CONNECT needs a host and a port.');
      const outer = await this.dial(target);
      if (inner.destroyed) return void outer.destroy();
      inner.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) outer.write(head);
      join(inner, outer);
    } catch (error) {
      const { status, text } = answerTo(error);
      inner.end(
        `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
          `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
      );
    }
  }

  private async forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { target, url } = absoluteTarget(request.url ?? '');
      const outer = await this.dial(target);
      if (response.destroyed) return void outer.destroy();
      // The name in the URL counts (RFC 9112, 3.2.2): another one in `Host` could reach another site.
      const headers = { ...withoutHopByHop(request), host: url.host };
      const upstream = http.request({
        method: request.method,
        path: `${url.pathname}${url.search}`,
        headers,
        // Used instead of an agent.
        createConnection: () => outer,
        setHost: false,
      });
      upstream.on('response', (answer) => {
        try {
          response.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer));
        } catch {
          // Node reads answers that it does not write, such as one with the status 000.
          upstream.destroy(new Error('no valid answer'));
          return;
        }
        pipeline(answer, response, () => outer.destroy());
      });
      // Nobody asked for it, and the connection is not the request's any more.
      upstream.on('upgrade', () => {
        outer.destroy();
        refuse(response, new ProxyRefusal(502, `${url.host} did not answer.`));
      });
      upstream.on('error', () => refuse(response, new ProxyRefusal(502, `${url.host} did not answer.`)));
      response.on('close', () => outer.destroy());
      pipeline(request, upstream, () => undefined);
    } catch (error) {
      refuse(response, error);
    }
  }

  private async dial(target: HostTarget): Promise<Socket> {
    const { hosts, lookup = lookupOfMachine } = this.options;
    try {
      const outer = await dial(target, hosts, lookup);
      this.track(outer);
      return outer;
    } catch (error) {
      if (error instanceof ProxyRefusal && error.status === 403) this.report(target, error);
      throw error;
    }
  }

  private report({ host, port }: HostTarget, { message }: ProxyRefusal): void {
    const key = `${host}:${port}`;
    if (this.reported.has(key) || this.reported.size >= MAX_REPORTED) return;
    this.reported.add(key);
    this.options.onRefusal?.(message);
  }

  private track(connection: Socket): void {
    this.connections.add(connection);
    connection.setTimeout(IDLE_MS, () => connection.destroy());
    connection.on('error', () => connection.destroy());
    connection.once('close', () => this.connections.delete(connection));
  }
}

/** Passes bytes both ways, and each end of one direction. */
function join(inner: Duplex, outer: Duplex): void {
  pipeline(inner, outer, () => undefined);
  pipeline(outer, inner, () => undefined);
  inner.once('close', () => outer.destroy());
  outer.once('close', () => inner.destroy());
}

/** @throws ProxyRefusal for anything but an `http:` URL */
function absoluteTarget(text: string): { target: HostTarget; url: URL } {
  const url = /^http:\/\//i.test(text) ? parseUrl(text) : undefined;
  const target = url && parseTarget(url.host, 80);
  if (!url || !target || url.username !== '' || url.password !== '') {
    throw new ProxyRefusal(400, 'This is a proxy: it takes CONNECT and requests for http: URLs.');
  }
  return { target, url };
}

function withoutHopByHop({ headers }: IncomingMessage): http.OutgoingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.includes(name));
  return Object.fromEntries(kept);
}

function answerTo(error: unknown): { status: number; text: string } {
  const refusal =
    error instanceof ProxyRefusal ? error : new ProxyRefusal(502, 'The connection cannot be made.');
  return { status: refusal.status, text: `The proxy of the sandbox: ${refusal.message}\n` };
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const { status, text } = answerTo(error);
  // What is left of the request is not read.
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(text);
}
