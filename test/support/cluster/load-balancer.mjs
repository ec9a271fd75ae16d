import { once } from 'node:events';
import { createServer, request as open } from 'node:http';
import { connect } from 'node:net';

/** Errors of a connection that was never made: another server gets the request, as behind nginx. */
const NOT_REACHED = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH']);

/**
 * Spreads requests and sockets over servers at random, each by itself, as a load balancer without stickiness
 * does.
 */
export class LoadBalancer {
  /** How many requests and sockets each server got. */
  counts = new Map();
  #server = createServer({ requestTimeout: 0 });
  #targets = [];
  #random;
  #sockets = new Set();

  constructor(random) {
    this.#random = random;
    this.#server.on('request', (request, response) => this.#pass(request, response, this.#order()));
    this.#server.on('checkContinue', (request, response) => this.#pass(request, response, this.#order()));
    this.#server.on('upgrade', (request, socket, head) =>
      this.#upgrade(request, socket, head, this.#order()),
    );
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  /** @param random numbers from 0 to below 1, which choose the server */
  static async start(random) {
    const balancer = new LoadBalancer(random);
    await once(balancer.#server.listen(0, '127.0.0.1'), 'listening');
    return balancer;
  }

  get port() {
    return this.#server.address().port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Sets the addresses of the servers from now on. */
  setTargets(urls) {
    this.#targets = urls.map((url) => ({ url, port: Number(new URL(url).port) }));
  }

  async stop() {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** All servers, the chosen one first. */
  #order() {
    const at = Math.floor(this.#random() * this.#targets.length);
    return [...this.#targets.slice(at), ...this.#targets.slice(0, at)];
  }

  #count(target) {
    this.counts.set(target.url, (this.counts.get(target.url) ?? 0) + 1);
  }

  #pass(request, response, [target, ...others]) {
    if (target === undefined) return void response.writeHead(502).end();
    const { method, url: path, rawHeaders: headers } = request;
    const options = {
      host: '127.0.0.1',
      port: target.port,
      method,
      path,
      headers,
      agent: false,
      setHost: false,
    };
    const upstream = open(options);
    let isReached = false;
    upstream.on('socket', (socket) => {
      socket.setNoDelay(true);
      socket.once('connect', () => {
        isReached = true;
        this.#count(target);
        request.pipe(upstream);
      });
    });
    upstream.on('information', ({ statusCode }) => {
      if (statusCode === 100) response.writeContinue();
    });
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
      response.flushHeaders();
      answer.on('error', () => response.destroy());
      answer.on('aborted', () => response.destroy());
      answer.pipe(response);
    });
    upstream.on('error', (error) => {
      if (!isReached && NOT_REACHED.has(error.code)) return this.#pass(request, response, others);
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { connection: 'close' }).end();
    });
    // The client has left.
    response.on('close', () => upstream.destroy());
    // Sends the head of a request whose body is not there yet.
    upstream.flushHeaders();
  }

  #upgrade(request, client, head, [target, ...others]) {
    if (target === undefined) return void client.destroy();
    const server = connect(target.port, '127.0.0.1');
    let isReached = false;
    server.once('connect', () => {
      isReached = true;
      this.#count(target);
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      for (let at = 0; at < request.rawHeaders.length; at += 2)
        lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
      server.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
      server.write(head);
      client.pipe(server).pipe(client);
    });
    client.on('error', () => server.destroy());
    client.on('close', () => server.destroy());
    server.on('error', () => undefined);
    server.on('close', () => {
      if (isReached) client.destroy();
      else this.#upgrade(request, client, head, others);
    });
  }
}
