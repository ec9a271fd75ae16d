import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { ForwardingError } from './forwarding-errors.js';
import { Locator } from './locator.js';
import { ServerConnections } from './server-connections.js';
import { ServerWatch } from './server-watch.js';

class Leases extends Locator {
  readonly selfId = 'self';
  live = true;
  fails = false;
  override locate = () => Promise.resolve('here' as const);
  override claim = () => Promise.resolve(true);
  override others = () => Promise.resolve([]);
  override isOpenHere = () => false;
  override isLive = () =>
    this.fails ? Promise.reject(new Error('no database')) : Promise.resolve(this.live);
}

describe('ServerWatch', () => {
  const leases = new Leases();
  const connections = new ServerConnections();
  const watch = new ServerWatch(leases, connections, 10, 100);
  const silent = createServer((socket) => socket.resume());
  const healthy = createHttpServer((_request, response) => response.writeHead(404).end());
  beforeAll(() =>
    Promise.all([silent, healthy].map((server) => once(server.listen(0, '127.0.0.1'), 'listening'))),
  );
  beforeEach(() => Object.assign(leases, { live: true, fails: false }));
  afterAll(async () => {
    watch.close();
    connections.close();
    await Promise.all([silent, healthy].map((server) => new Promise((resolve) => server.close(resolve))));
  });
  const originOf = (server: Server) => new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const abortOf = async (stop: AbortController): Promise<unknown> => {
    if (!stop.signal.aborted) await once(stop.signal, 'abort');
    return stop.signal.reason;
  };

  it('ends what waits for a server that gives no sign of life', async () => {
    const stop = new AbortController();
    const release = watch.watch('silent', originOf(silent), stop);
    const reason = await abortOf(stop);
    release();
    expect(reason).toBeInstanceOf(ForwardingError);
    expect(reason).toMatchObject({ kind: 'timeout' });
  });

  it('ends what waits for a server whose lease has ended', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const releases = [first, second].map((stop) => watch.watch('healthy', originOf(healthy), stop));
    await new Promise((resolve) => healthy.once('request', resolve));
    expect(first.signal.aborted).toBe(false);
    leases.live = false;
    expect([await abortOf(first), await abortOf(second)]).toMatchObject([
      { kind: 'unavailable' },
      { kind: 'unavailable' },
    ]);
    for (const release of releases) release();
  });

  it('ends nothing while the database is away, nor what is over', async () => {
    leases.fails = true;
    const [waiting, over] = [new AbortController(), new AbortController()];
    const release = watch.watch('healthy', originOf(healthy), waiting);
    watch.watch('healthy', originOf(healthy), over)();
    for (let count = 0; count < 5; count += 1) await once(healthy, 'request');
    leases.fails = false;
    leases.live = false;
    await abortOf(waiting);
    expect(over.signal.aborted).toBe(false);
    release();
  });
});
