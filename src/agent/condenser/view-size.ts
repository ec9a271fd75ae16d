import type { ViewEvent } from '../agent-view.js';

/** A rule of thumb for text and code; what a provider counts is known only when it has answered. */
const CHARACTERS_PER_TOKEN = 4;
/** An image costs about this much, whatever the length of its URL. */
const TOKENS_PER_IMAGE = 1_500;

const known = new WeakMap<ViewEvent, number>();

/** About how many tokens an event has for the model. Counted once for each event. */
export function tokensOf(event: ViewEvent): number {
  const counted = known.get(event);
  if (counted !== undefined) return counted;
  let images = 0;
  const text = JSON.stringify(event, (key, value: unknown) => {
    if (key !== 'image_urls' || !Array.isArray(value)) return value;
    images += value.length;
    return undefined;
  });
  const tokens = Math.ceil(text.length / CHARACTERS_PER_TOKEN) + images * TOKENS_PER_IMAGE;
  known.set(event, tokens);
  return tokens;
}

/**
 * About how many tokens a view has for the model. An estimate by design: it decides when a history is condensed, for which
 * a fifth more or less does not matter. Where it is too low the provider's refusal has the same effect, and where it is too
 * high a summary comes early.
 */
export function tokensIn(events: readonly ViewEvent[]): number {
  return events.reduce((sum, event) => sum + tokensOf(event), 0);
}
