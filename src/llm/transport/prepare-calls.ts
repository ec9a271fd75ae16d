import { yieldForChunk } from '../../flow/index.js';
import { loadPrices } from '../catalogue/model-catalogue.js';
import { parseModelName } from '../catalogue/model-name.js';
import { modelDispatcher } from './model-fetch.js';

let isPrepared = false;

/**
 * Loads what the first call to a model needs before it is made: HTTP client and price table take 10 and 15 ms
 * of the event loop, once. A failure to load is reported by the call.
 * @param model name of the model; scripted ones need nothing
 */
export function prepareCalls(model: string): void {
  if (isPrepared || parseModelName(model).provider === 'scripted') return;
  isPrepared = true;
  void load().catch(() => undefined);
}

async function load(): Promise<void> {
  for (const part of [modelDispatcher, loadPrices]) {
    await yieldForChunk();
    await part();
  }
}
