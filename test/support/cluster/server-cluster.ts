import { freePort } from '../free-port.js';
import { TestDatabase } from '../postgres.js';
import { randomOf } from '../random.js';
import type { ServerOptions } from '../server-process.js';
import { SpawnedServer, type RunningServer } from '../spawned-server.js';
import { LoadBalancer } from './load-balancer.mjs';

/** Numbers that choose the servers of requests. */
const random = randomOf(Number(process.env['TEST_CLUSTER_SEED'] ?? Date.now() % 1_000_000));

/** Databases by the folder of a server: servers in the same folder share one, also after a restart. */
const databases = new Map<string, Promise<TestDatabase>>();

/** Removes the databases of all clusters so far. */
export async function dropDatabases(): Promise<void> {
  const all = [...databases.values()];
  databases.clear();
  for (const database of all) await (await database).drop();
}

/** How often a server is started on another port, as somebody else has taken the one that was free. */
const ATTEMPTS = 3;

/** Several servers with one database and one folder, behind a load balancer. They are used as one server. */
export class ServerCluster implements RunningServer {
  private constructor(
    readonly servers: readonly SpawnedServer[],
    readonly balancer: LoadBalancer,
  ) {}

  /** @param cwd the folder of all servers */
  static async start(cwd: string, options: ServerOptions, size: number): Promise<ServerCluster> {
    const database = databases.get(cwd) ?? TestDatabase.create();
    databases.set(cwd, database);
    const env = { ...clusterEnvironment((await database).url), ...options.env };
    const started = await Promise.allSettled(
      Array.from({ length: size }, () => startMember(cwd, { ...options, env })),
    );
    const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = started.find((one) => one.status === 'rejected');
    if (failed) {
      await Promise.all(servers.map((server) => server.end('SIGKILL')));
      throw failed.reason;
    }
    const balancer = await LoadBalancer.start(random);
    balancer.setTargets(servers.map(({ port }) => `http://127.0.0.1:${port}`));
    return new ServerCluster(servers, balancer);
  }

  get port(): number {
    return this.balancer.port;
  }

  /** That of the first server. */
  get pid(): number {
    return this.servers[0]?.pid ?? -1;
  }

  get log(): string {
    return this.servers.map(({ log }) => log).join('');
  }

  /** Ends all servers. @returns the first result that is not that of an orderly end */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    const ended = await Promise.all(this.servers.map((server) => server.end(signal)));
    await this.balancer.stop();
    return ended.find((result) => result !== 0) ?? 0;
  }
}

/** Starts a server that others reach at its port. */
export async function startMember(cwd: string, options: ServerOptions): Promise<SpawnedServer> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const env = { ...options.env, OH_SERVER_URL: `http://127.0.0.1:${port}` };
    try {
      return await SpawnedServer.start(cwd, { ...options, env }, port);
    } catch (error) {
      if (attempt === ATTEMPTS || !String(error).includes('EADDRINUSE')) throw error;
    }
  }
}

/** The environment of servers on one database that share their folders. */
export function clusterEnvironment(databaseUrl: string): Record<string, string> {
  return {
    OH_DATABASE_URL: databaseUrl,
    OH_DATABASE_POOL_SIZE: '5',
    OH_CLUSTER_KEY: 'a-cluster-key-of-thirty-two-or-more-characters',
    OH_WORKSPACES_SHARED: 'true',
  };
}
