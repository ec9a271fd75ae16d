import type { Span } from './span.js';

/** What the answers of one or several steps have used. */
export interface UsagePoint {
  /** The last step of the point. */
  step: number;
  /** The end of its last answer (ms since the epoch). */
  at: number;
  answers: number;
  prompt_tokens: number;
  completion_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  reasoning_tokens: number;
  cost: number;
  /** The cost of everything up to here. */
  total_cost: number;
  /** The most tokens that the context of the agent had; null if the point has no answer of the agent. */
  context_tokens: number | null;
  /** What the model takes at most; null if unknown. */
  context_window: number | null;
  /** The event of its last answer. */
  event_id: string | null;
}

/** Twice as many points are merged in pairs, so that any log has a series of a bounded length. */
const MAX_POINTS = 600;

/** Costs and tokens over the steps of a conversation, in a bounded number of points. */
export class UsageSeries {
  points: UsagePoint[] = [];
  private answersPerPoint = 1;
  private totalCost = 0;

  /** Adds the usage of an answer. */
  add({ usage, step, start, end, kind, parentId, responseId, eventId, copied }: Span): void {
    if (!usage || copied) return;
    this.totalCost += usage.cost ?? 0;
    const isAgent = kind === 'model' && parentId === null && responseId !== null;
    const point: UsagePoint = {
      step,
      at: end ?? start,
      answers: 1,
      prompt_tokens: usage.prompt_tokens,
      completion_tokens: usage.completion_tokens,
      cache_read_tokens: usage.cache_read_tokens,
      cache_write_tokens: usage.cache_write_tokens,
      reasoning_tokens: usage.reasoning_tokens,
      cost: usage.cost ?? 0,
      total_cost: this.totalCost,
      context_tokens: isAgent ? usage.prompt_tokens + usage.completion_tokens : null,
      context_window: isAgent && usage.context_window > 0 ? usage.context_window : null,
      event_id: eventId,
    };
    const last = this.points.at(-1);
    if (last && last.answers < this.answersPerPoint)
      this.points[this.points.length - 1] = merged(last, point);
    else this.points.push(point);
    if (this.points.length >= 2 * MAX_POINTS) this.halve();
  }

  private halve(): void {
    const halved: UsagePoint[] = [];
    for (let at = 0; at < this.points.length; at += 2) {
      const [one, other] = this.points.slice(at, at + 2);
      if (one) halved.push(other ? merged(one, other) : one);
    }
    this.points = halved;
    this.answersPerPoint *= 2;
  }
}

function merged(one: UsagePoint, other: UsagePoint): UsagePoint {
  return {
    step: other.step,
    at: Math.max(one.at, other.at),
    answers: one.answers + other.answers,
    prompt_tokens: one.prompt_tokens + other.prompt_tokens,
    completion_tokens: one.completion_tokens + other.completion_tokens,
    cache_read_tokens: one.cache_read_tokens + other.cache_read_tokens,
    cache_write_tokens: one.cache_write_tokens + other.cache_write_tokens,
    reasoning_tokens: one.reasoning_tokens + other.reasoning_tokens,
    cost: one.cost + other.cost,
    total_cost: other.total_cost,
    context_tokens: larger(one.context_tokens, other.context_tokens),
    context_window: other.context_window ?? one.context_window,
    event_id: other.event_id,
  };
}

function larger(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}
