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
  /** Missing signs of life since the last one. */
  missed: number;
  /** Checks that have not ended yet. */
  isChecked: boolean;
  isProbed: boolean;
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
    private readonly probeMs = PROBE_MS,
  ) {}

  /**
   * Aborts `stop` with the reason when the server is gone.
   * @returns a function to call when nothing is passed on any more
   */
  watch(serverId: string, origin: URL, stop: AbortController): () => void {
    const known = this.servers.get(serverId);
    const server = known ?? { origin, passed: new Set(), missed: 0, isChecked: false, isProbed: false };
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
      if (!server.isChecked) void this.check(id, server);
      if (!server.isProbed) void this.probe(server);
    }
  }

  private async check(id: string, server: WatchedServer): Promise<void> {
    server.isChecked = true;
    // Without the database nobody can take the conversation over.
    const isLive = await this.locator.isLive(id).catch(() => true);
    server.isChecked = false;
    if (!isLive) for (const stop of server.passed) stop.abort(ended());
  }

  private async probe(server: WatchedServer): Promise<void> {
    server.isProbed = true;
    const answers = await this.connections.answers(server.origin, this.probeMs);
    server.isProbed = false;
    server.missed = answers ? 0 : server.missed + 1;
    if (server.missed >= MAX_MISSED) for (const stop of server.passed) stop.abort(silent());
  }
}
