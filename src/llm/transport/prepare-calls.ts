import { yieldForChunk } from '../../flow/index.js';
import { loadPrices } from '../catalogue/model-catalogue.js';
import { parseModelName } from '../catalogue/model-name.js';
import { modelDispatcher } from './model-fetch.js';

let isPrepared = false;

/**
 * Loads what the first call to a model needs, while nobody waits for it: the client and the table of prices
 * take 10 and 15 ms of the event loop, once. What cannot be loaded is the call's to complain of.
 * @param model its name: scripted ones are not called
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
