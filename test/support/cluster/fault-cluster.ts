import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { queryOn } from '../postgres.js';
import { randomOf } from '../random.js';
import { ServerProcess, type ServerOptions } from '../server-process.js';
import type { RunningServer, SpawnedServer } from '../spawned-server.js';
import { TcpProxy } from '../tcp-proxy.js';
import { LoadBalancer } from './load-balancer.mjs';
import { clusterEnvironment, startMember } from './server-cluster.js';

/** The lease of the servers in seconds. */
export const LEASE_SECONDS = 2;

/** One place of a cluster: a server, which may be down, and its own way to the database. */
export interface Member {
  server: SpawnedServer;
  proxy: TcpProxy;
  isDown: boolean;
}

/** A cluster whose servers are killed, frozen and cut off one by one, while clients use it as one server. */
export class FaultCluster implements RunningServer {
  readonly members: Member[] = [];
  /** The cluster as clients see it. */
  readonly clients: ServerProcess;

  private constructor(
    readonly folder: string,
    private readonly database: string,
    private readonly balancer: LoadBalancer,
    private readonly options: ServerOptions,
  ) {
    this.clients = ServerProcess.over(this, folder);
  }

  /** @param database the address of the database, which every server reaches through a proxy of its own */
  static async start(database: string, env: Record<string, string> = {}, size = 3): Promise<FaultCluster> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    const balancer = await LoadBalancer.start(randomOf(Date.now()));
    const options = { env: { OH_SERVER_LEASE_SECONDS: String(LEASE_SECONDS), ...env } };
    const cluster = new FaultCluster(folder, database, balancer, options);
    try {
      for (let count = 0; count < size; count += 1) {
        const proxy = await TcpProxy.start(database);
        cluster.members.push({ proxy, isDown: true, server: await cluster.startServer(proxy) });
      }
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    for (const member of cluster.members) member.isDown = false;
    cluster.updateTargets();
    return cluster;
  }

  get port(): number {
    return this.balancer.port;
  }

  get pid(): number {
    return this.members[0]?.server.pid ?? -1;
  }

  get log(): string {
    return this.members.map(({ server }) => server.log).join('');
  }

  /** One server as clients see it that do not use the load balancer. */
  only(member: Member): ServerProcess {
    return ServerProcess.over(member.server, this.folder);
  }

  /** Kills a server. The load balancer notices when it is asked next. */
  async kill(member: Member): Promise<void> {
    member.isDown = true;
    await member.server.end('SIGKILL');
  }

  /** Starts a server in the place of one that was killed. */
  async startAgain(member: Member): Promise<void> {
    member.server = await this.startServer(member.proxy);
    member.isDown = false;
    this.updateTargets();
  }

  /** Stops the process of a server, and with it its requests; the load balancer asks the others. */
  freeze(member: Member): void {
    member.isDown = true;
    this.updateTargets();
    process.kill(member.server.pid, 'SIGSTOP');
  }

  wake(member: Member): void {
    process.kill(member.server.pid, 'SIGCONT');
    member.isDown = false;
    this.updateTargets();
  }

  /** The conversations that a server owns, whether or not it is live. */
  async ownedBy(member: Member): Promise<string[]> {
    const rows = await queryOn(
      this.database,
      'SELECT conversation.id FROM conversation JOIN server ON server.id = owner WHERE url LIKE $1',
      [`%:${member.server.port}%`],
    );
    return rows.map((row) => String(row['id']));
  }

  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    await Promise.all(this.members.map(({ server }) => server.end(signal)));
    await this.balancer.stop();
    return null;
  }

  /** Ends all servers and removes the folder. */
  async stop(): Promise<void> {
    await this.end('SIGKILL');
    await Promise.all(this.members.map(({ proxy }) => proxy.stop()));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }

  private startServer(proxy: TcpProxy): Promise<SpawnedServer> {
    const env = { ...clusterEnvironment(proxy.url), ...this.options.env };
    return startMember(this.folder, { ...this.options, env });
  }

  private updateTargets(): void {
    const up = this.members.filter(({ isDown }) => !isDown);
    this.balancer.setTargets(up.map(({ server }) => `http://127.0.0.1:${server.port}`));
  }
}
