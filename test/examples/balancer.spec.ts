import { SocketRecorder } from '../support/conversation-client.js';
import { Nginx, NGINX_MISSING } from '../support/nginx.js';
import { eventually, ServerProcess } from '../support/server-process.js';

if (NGINX_MISSING !== undefined)
  process.stderr.write(`deploy/nginx-cluster.conf is not tested: ${NGINX_MISSING}\n`);

const REQUESTS = 60;

(NGINX_MISSING === undefined ? describe : describe.skip)('the load balancer of a cluster', () => {
  let servers: [ServerProcess, ServerProcess, ServerProcess];
  let nginx: Nginx;

  beforeAll(async () => {
    const start = () => ServerProcess.start();
    servers = await Promise.all([start(), start(), start()]);
    nginx = await Nginx.balance([servers[0].url, servers[1].url, servers[2].url]);
  });
  afterAll(async () => {
    await nginx.stop();
    await Promise.all(servers.map((server) => server.stop()));
  });

  const url = () => `127.0.0.1:${nginx.httpPort}`;
  const host = (server: ServerProcess) => new URL(server.url).host;

  /** Sends requests, all of which succeed, and returns the servers that answered, from the log of nginx. */
  async function answering(): Promise<string[]> {
    const before = (await upstreams()).length;
    const statuses = await Promise.all(
      Array.from({ length: REQUESTS }, async () => {
        const answer = await fetch(`http://${url()}/server_info`, { headers: { host: 'localhost' } });
        await answer.arrayBuffer();
        return answer.status;
      }),
    );
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    // A line is written after the answer.
    await eventually(async () => (await upstreams()).length >= before + REQUESTS, 'the lines of the log');
    return [...new Set((await upstreams()).slice(before))].sort();
  }

  /** The servers that got the requests so far. More than one are named where the first was gone. */
  async function upstreams(): Promise<string[]> {
    const log = await nginx.log();
    return [...log.matchAll(/"GET \/server_info" 200 \S+ (.+) \w+$/gm)].map(([, servers = '']) => servers);
  }

  it('spreads requests over all servers', async () => {
    expect(await answering()).toEqual(servers.map(host).sort());
  });

  it('passes sockets on', async () => {
    const socket = new SocketRecorder(`ws://${url()}/sockets/conversations`);
    await socket.opened();
    await eventually(() => socket.frames.length > 0, 'a frame');
    await socket.close();
  });

  it('answers every request while a server is gone, and leaves the query out of its log', async () => {
    await servers[0].end('SIGKILL');
    await answering();
    const answer = await fetch(`http://${url()}/server_info?session_api_key=in-the-query`);
    await answer.arrayBuffer();
    expect(await nginx.log()).not.toContain('in-the-query');
  });
});
