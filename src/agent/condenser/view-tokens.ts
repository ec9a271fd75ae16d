import type { AgentView, ViewEvent } from '../agent-view.js';

/** Rough average for text and code; exact counts come with the provider's answer. */
const CHARACTERS_PER_TOKEN = 4;
/** Approximate cost of an image, independent of the length of its URL. */
const TOKENS_PER_IMAGE = 1_500;

const estimates = new WeakMap<ViewEvent, number>();

/** Estimates the tokens of an event, once per event. */
export function estimateEventTokens(event: ViewEvent): number {
  const counted = estimates.get(event);
  if (counted !== undefined) return counted;
  let images = 0;
  const text = JSON.stringify(event, (key, value: unknown) => {
    if (key !== 'image_urls' || !Array.isArray(value)) return value;
    images += value.length;
    return undefined;
  });
  const tokens = Math.ceil(text.length / CHARACTERS_PER_TOKEN) + images * TOKENS_PER_IMAGE;
  estimates.set(event, tokens);
  return tokens;
}

/** Estimates the tokens of events, without tool definitions. */
export function estimateTokens(events: readonly ViewEvent[]): number {
  return events.reduce((sum, event) => sum + estimateEventTokens(event), 0);
}

/**
 * Token counts of views: the provider's last count plus an estimate of newer events. Without a count (before
 * the first call or after a condensation) everything is estimated. An estimate that is too low is corrected
 * by the provider's rejection; one that is too high only causes an early condensation.
 */
export class ViewTokens {
  private readonly counted = new WeakMap<AgentView, { length: number; last: ViewEvent; tokens: number }>();

  /**
   * Records the provider's count for the first `length` events of a view, including the rest of the request.
   */
  record(view: AgentView, length: number, tokens: number): void {
    const last = view.events[length - 1];
    if (last && tokens > 0) this.counted.set(view, { length, last, tokens });
  }

  /** The current number of tokens of a view. */
  of(view: AgentView): number {
    const counted = this.counted.get(view);
    // The view was condensed since the count.
    if (!counted || view.events[counted.length - 1] !== counted.last) return estimateTokens(view.events);
    return counted.tokens + estimateTokens(view.events.slice(counted.length));
  }
}
