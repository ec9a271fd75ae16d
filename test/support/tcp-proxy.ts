import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** How bytes pass from now on. */
export interface TcpBehaviour {
  /** New connections are refused, and present ones are cut without a word. */
  drop?: boolean;
  /** Bytes are kept back in both directions until this ends; connections stay open, as on a dead network. */
  freeze?: boolean;
  /** Milliseconds by which bytes are late in each direction. */
  delayMs?: number;
  /**
   * Each connection is cut after this number of further bytes in one direction; those before are passed.
   * With `once` only the next connection that gets there.
   */
  cut?: { direction: 'toServer' | 'toClient'; bytes: number; once?: boolean };
}

/** A TCP proxy between a server and what it needs, which behaves as a bad network does. */
export class TcpProxy {
  private readonly pairs = new Set<Pair>();
  private readonly server = createServer({ allowHalfOpen: true }, (client) => this.accept(client));
  private behaviour: TcpBehaviour = {};

  private constructor(private target: URL) {}

  /** @param target the address of what is behind it, such as `postgres://user@127.0.0.1:5432/name` */
  static async start(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target));
    await once(proxy.server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  /** The address of the target, through this proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.pairs.size;
  }

  /** Changes how bytes pass, at once, also those of open connections. */
  behave(behaviour: TcpBehaviour = {}): void {
    this.behaviour = behaviour;
    for (const pair of this.pairs) pair.behave(behaviour);
  }

  /** Cuts all open connections, with what is on its way. New ones go to `target` if it is given. */
  cutAll(target?: string): void {
    if (target !== undefined) this.target = new URL(target);
    for (const pair of this.pairs) pair.cut();
  }

  async stop(): Promise<void> {
    this.behaviour = { drop: true };
    this.cutAll();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    if (this.behaviour.drop) return void client.resetAndDestroy();
    const server = connect({
      host: this.target.hostname,
      port: Number(this.target.port),
      allowHalfOpen: true,
    });
    const pair = new Pair(client, server, {
      onCut: () => {
        if (this.behaviour.cut?.once) this.behave({ ...this.behaviour, cut: undefined });
      },
      onEnd: () => this.pairs.delete(pair),
    });
    this.pairs.add(pair);
    pair.behave(this.behaviour);
  }
}

/** A connection through the proxy. */
class Pair {
  private readonly ways: Way[];
  private hasEnded = false;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly hooks: { onCut: () => void; onEnd: () => void },
  ) {
    const cut = (): void => {
      this.hooks.onCut();
      this.cut();
    };
    this.ways = [new Way('toServer', client, server, cut), new Way('toClient', server, client, cut)];
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.cut());
      socket.on('close', () => this.end());
    }
  }

  behave(behaviour: TcpBehaviour): void {
    if (behaviour.drop) return this.cut();
    for (const way of this.ways) way.behave(behaviour);
  }

  cut(): void {
    for (const socket of [this.client, this.server]) if (!socket.destroyed) socket.resetAndDestroy();
    this.end();
  }

  /** An orderly end has come through already; what is left of an abrupt one is cut. */
  private end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    for (const way of this.ways) way.stop();
    this.hooks.onEnd();
    if (!this.client.writableEnded) this.client.destroy();
    if (!this.server.writableEnded) this.server.destroy();
  }
}

/** One direction of a connection: a queue of what has arrived, which is written when it is due. */
class Way {
  private readonly queue: { due: number; bytes: Buffer | undefined }[] = [];
  private behaviour: TcpBehaviour = {};
  private left = Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly direction: 'toServer' | 'toClient',
    from: Socket,
    private readonly to: Socket,
    private readonly cut: () => void,
  ) {
    from.on('data', (bytes: Buffer) => this.arrive(bytes));
    from.on('end', () => this.arrive(undefined));
  }

  behave(behaviour: TcpBehaviour): void {
    const isNewCut = behaviour.cut !== this.behaviour.cut;
    this.behaviour = behaviour;
    if (isNewCut) this.left = behaviour.cut?.direction === this.direction ? behaviour.cut.bytes : Infinity;
    this.pass();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.queue.length = 0;
  }

  private arrive(bytes: Buffer | undefined): void {
    this.queue.push({ due: performance.now() + (this.behaviour.delayMs ?? 0), bytes });
    this.pass();
  }

  private pass(): void {
    clearTimeout(this.timer);
    while (!this.behaviour.freeze) {
      const [first] = this.queue;
      if (first === undefined) return;
      const wait = first.due - performance.now();
      if (wait > 0) return void (this.timer = setTimeout(() => this.pass(), wait));
      this.queue.shift();
      if (first.bytes === undefined) this.to.end();
      else if (first.bytes.length < this.left) {
        this.left -= first.bytes.length;
        this.to.write(first.bytes);
      } else return this.cutWithin(first.bytes);
    }
  }

  /** What was written before the cut must arrive: the connection is reset only then. */
  private cutWithin(bytes: Buffer): void {
    this.queue.length = 0;
    const cut = this.cut;
    if (this.left === 0) cut();
    else this.to.end(bytes.subarray(0, this.left), cut);
    this.left = 0;
  }
}
