import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { askUpgrade, joinSockets, type UpgradeRequest, watchClient } from '../../../forwarding/index.js';
import { backendAnswerHeaders, backendRequest, type BackendTarget } from './backend-request.js';

/**
 * Connects a client and a back end, or refuses the client with 502. Resolves when both are disconnected.
 * @param ended closes the tunnel
 */
export async function tunnelSocket(
  client: UpgradeRequest,
  target: BackendTarget,
  ended: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  ended.addEventListener('abort', abort, { once: true });
  if (ended.aborted) abort();
  const forget = watchClient(client, abort);
  try {
    const outcome = await askUpgrade(upgradeFor(client, target), stop.signal);
    forget();
    if ('refusal' in outcome) {
      outcome.refusal.destroy();
      return refuse(client.socket);
    }
    const headers = Object.entries(backendAnswerHeaders(outcome.answer));
    const shown = headers.filter(([name]) => name.startsWith('sec-websocket-'));
    await joinSockets(client, outcome, Object.fromEntries(shown), stop.signal);
  } catch {
    if (stop.signal.aborted) client.socket.destroy();
    else refuse(client.socket);
  } finally {
    forget();
    ended.removeEventListener('abort', abort);
  }
}

/** Without the origin: the back end serves its own pages only, which was checked here. */
function upgradeFor({ request }: UpgradeRequest, target: BackendTarget) {
  const outgoing = backendRequest(request, target);
  const { origin: _checked, ...headers } = outgoing.headers;
  return { ...outgoing, headers };
}

/** The back end does not accept the WebSocket or is unreachable. */
function refuse(socket: Duplex): void {
  if (!socket.writable) return;
  socket.end(`HTTP/1.1 502 ${STATUS_CODES[502]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
