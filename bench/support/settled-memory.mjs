import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

/** Time that V8 needs to release pages after a collection (ms). */
const PAGES_MS = 300;

/** Options of a server whose memory is measured: let `settledMemory` collect its garbage if it is Node. */
export const COLLECTABLE = { env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } };

/**
 * Memory after a garbage collection, so that the result does not depend on when the collector last ran. The
 * server must have been started with `COLLECTABLE`. For other runtimes (Python frees at once) it is the
 * memory at this time.
 */
export async function settledMemory(server) {
  const address = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(server.errors)?.[0];
  if (address) await collectGarbage(address);
  return server.memory();
}

async function collectGarbage(address) {
  const inspector = new WebSocket(address);
  await once(inspector, 'open');
  // The second collection frees what the first one finalised. V8 releases pages in the background.
  for (const id of [1, 2]) {
    inspector.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
    await once(inspector, 'message');
    await sleep(PAGES_MS);
  }
  const closed = once(inspector, 'close');
  inspector.close();
  await closed;
}
