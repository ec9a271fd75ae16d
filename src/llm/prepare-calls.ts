import { turnForPiece } from '../flow/index.js';
import { loadPrices } from './model-catalogue.js';
import { modelDispatcher } from './model-fetch.js';

let isPrepared = false;

/**
 * Loads what the first call to a model needs, while nobody waits for it: the client and the table of prices take 20 and 15 ms of the
 * event loop, once. What cannot be loaded is the call's to complain of.
 */
export function prepareCalls(): void {
  if (isPrepared) return;
  isPrepared = true;
  void load().catch(() => undefined);
}

async function load(): Promise<void> {
  for (const part of [modelDispatcher, loadPrices]) {
    await turnForPiece();
    await part();
  }
}
