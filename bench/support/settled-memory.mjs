import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

/** How long V8 takes to give back the pages that a collection has emptied (ms). */
const PAGES_MS = 300;

/**
 * For servers whose memory is asked for: Node then collects its garbage when told to; others do not know
 * this.
 */
export const COLLECTABLE = { env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } };

/**
 * Memory without what a garbage collection takes away, so that it says what is kept and not when the
 * collector last ran. The server was started as `COLLECTABLE`; a server that is not Node's (Python frees at
 * once) is measured as it is.
 */
export async function settledMemory(server) {
  const address = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(server.errors)?.[0];
  if (address) await collectGarbage(address);
  return server.memory();
}

async function collectGarbage(address) {
  const inspector = new WebSocket(address);
  await once(inspector, 'open');
  // What the first one finalises goes with the second; the pages are given back beside it.
  for (const id of [1, 2]) {
    inspector.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
    await once(inspector, 'message');
    await sleep(PAGES_MS);
  }
  const closed = once(inspector, 'close');
  inspector.close();
  await closed;
}
