import type { AgentView, ViewEvent } from '../agent-view.js';

/** A rule of thumb for text and code; what a provider counts is known only when it has answered. */
const CHARACTERS_PER_TOKEN = 4;
/** An image costs about this much, whatever the length of its URL. */
const TOKENS_PER_IMAGE = 1_500;

const estimates = new WeakMap<ViewEvent, number>();

/** About how many tokens an event has for the model. Counted once for each event. */
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

/** About how many tokens events have for the model; tools and the like not counted. */
export function estimateTokens(events: readonly ViewEvent[]): number {
  return events.reduce((sum, event) => sum + estimateEventTokens(event), 0);
}

/**
 * How many tokens views have for their models: what the provider counted the last time, and an estimate of
 * what has come since. Where nothing was counted (yet, or since a condensation) all of it is an estimate,
 * which is no harm: where it is too low the provider's refusal has the same effect, and where it is too high
 * a summary comes early.
 */
export class ViewTokens {
  private readonly counted = new WeakMap<AgentView, { length: number; last: ViewEvent; tokens: number }>();

  /**
   * A model was asked with the first `length` events of a view, and its provider has counted them, with all
   * that goes with them.
   */
  record(view: AgentView, length: number, tokens: number): void {
    const last = view.events[length - 1];
    if (last && tokens > 0) this.counted.set(view, { length, last, tokens });
  }

  /** How many tokens a view has now. */
  of(view: AgentView): number {
    const counted = this.counted.get(view);
    // Something was taken out in between.
    if (!counted || view.events[counted.length - 1] !== counted.last) return estimateTokens(view.events);
    return counted.tokens + estimateTokens(view.events.slice(counted.length));
  }
}
