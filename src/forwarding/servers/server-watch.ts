import { ended, silent } from './forwarding-errors.js';
import type { Locator } from './locator.js';
import type { ServerConnections } from './server-connections.js';

/** How often servers are checked while requests or sockets are passed on to them (ms). */
const INTERVAL_MS = 1_000;
/** Longest wait for a sign of life (ms). */
const PROBE_MS = 5_000;
/** Missing signs of life in a row after which a server counts as silent. */
const MAX_MISSED = 3;

/** A server with what is passed on to it. */
interface WatchedServer {
  origin: URL;
  passed: Set<AbortController>;
  missed: number;
  isChecked: boolean;
}

/**
 * Ends what is passed on to a server when its lease has ended, or when it gives no sign of life: a frozen
 * server, or one that the network cuts off, neither answers nor closes its connections.
 */
export class ServerWatch {
  private readonly servers = new Map<string, WatchedServer>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly locator: Locator,
    private readonly connections: ServerConnections,
    private readonly intervalMs = INTERVAL_MS,
  ) {}

  /**
   * Aborts `stop` with the reason when the server is gone.
   * @returns a function to call when nothing is passed on any more
   */
  watch(serverId: string, origin: URL, stop: AbortController): () => void {
    const known = this.servers.get(serverId);
    const server = known ?? { origin, passed: new Set(), missed: 0, isChecked: false };
    this.servers.set(serverId, server);
    server.passed.add(stop);
    this.timer ??= setInterval(() => this.checkAll(), this.intervalMs).unref();
    return () => {
      server.passed.delete(stop);
      if (server.passed.size === 0 && this.servers.get(serverId) === server) this.servers.delete(serverId);
      if (this.servers.size === 0) this.close();
    };
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private checkAll(): void {
    for (const [id, server] of this.servers) {
      if (server.isChecked) continue;
      server.isChecked = true;
      void this.check(id, server).finally(() => (server.isChecked = false));
    }
  }

  private async check(id: string, server: WatchedServer): Promise<void> {
    const [isLive, answers] = await Promise.all([
      // Without the database nobody can take the conversation over.
      this.locator.isLive(id).catch(() => true),
      this.connections.answers(server.origin, PROBE_MS),
    ]);
    server.missed = answers ? 0 : server.missed + 1;
    const reason = isLive ? silent : ended;
    if (isLive && server.missed < MAX_MISSED) return;
    for (const stop of server.passed) stop.abort(reason());
  }
}
