import { ripgrepPath } from './search/ripgrep.js';
import { loadPty } from '../processes/index.js';

/**
 * Loads what the tools of most conversations need. Not the library of the browser: it would take 80 MB of
 * every server, also of those whose agents browse nothing.
 * @throws what a first conversation would fail with
 */
export async function preloadTools(): Promise<void> {
  for (const loaded of await Promise.allSettled([loadPty(), ripgrepPath()]))
    if (loaded.status === 'rejected') throw loaded.reason;
}
