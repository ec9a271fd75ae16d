import http from 'node:http';
import https from 'node:https';
import type { Upstream } from '../relay/upstream.js';

/** Most requests to one server at a time; more wait for a connection, at most 5 s. */
const MAX_CONNECTIONS = 512;
const MAX_IDLE = 32;
/** Idle connections are closed by this side, before the other one does so after 5 s (ms). */
const IDLE_MS = 2_500;

/** The connections to the other servers, which are kept for further requests. */
export class ServerConnections {
  private readonly agents = agentsOf(MAX_CONNECTIONS, MAX_IDLE);
  /** Apart from requests, for which all connections may be in use. */
  private readonly probes = agentsOf(1, 1);

  /** A server, with kept connections for requests. */
  to(origin: URL): Upstream {
    return { origin, agent: this.agents[origin.protocol] ?? false };
  }

  /** A server, with a new connection. */
  newTo(origin: URL): Upstream {
    return { origin, agent: false };
  }

  /** Whether a server answers anything within a time. */
  answers(origin: URL, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const { request } = origin.protocol === 'https:' ? https : http;
      const sent = request(new URL('/alive', origin), { agent: this.probes[origin.protocol], timeout: ms });
      const timer = setTimeout(() => sent.destroy(), ms);
      sent.on('response', (answer) => {
        answer.resume();
        resolve(true);
      });
      sent.on('error', () => resolve(false));
      sent.on('close', () => {
        clearTimeout(timer);
        resolve(false);
      });
      sent.end();
    });
  }

  close(): void {
    for (const agents of [this.agents, this.probes])
      for (const agent of Object.values(agents)) agent.destroy();
  }
}

/** Agents by protocol; both numbers are for each server. */
function agentsOf(maxSockets: number, maxFreeSockets: number): Readonly<Record<string, http.Agent>> {
  const options = { keepAlive: true, maxSockets, maxFreeSockets, timeout: IDLE_MS };
  return { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
}
