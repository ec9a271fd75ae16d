import { durationOf, SPAN_KINDS, type Span, type SpanKind } from './span.js';

/** The sum of the spans of one kind. */
export interface KindTotal {
  count: number;
  failed: number;
  /** Time that passed in spans of this kind (ms). Tools that run at the same time count once. */
  duration: number;
}

/** The sum of the calls of one tool. */
export interface ToolTotal {
  count: number;
  failed: number;
  /** The sum of their durations (ms). */
  duration: number;
}

/** The sum of the answers of one model. */
export interface ModelTotal {
  count: number;
  prompt_tokens: number;
  completion_tokens: number;
  cache_read_tokens: number;
  cost: number;
}

/** More tools or models than this are added up under one name. */
const MAX_NAMES = 100;
const OTHERS = 'others';

/** Adds up the spans of a log. Those that a fork copied count for the conversation that they come from. */
export class TimelineTotals {
  readonly kinds: Record<SpanKind, KindTotal> = Object.fromEntries(
    SPAN_KINDS.map((kind) => [kind, { count: 0, failed: 0, duration: 0 }]),
  ) as Record<SpanKind, KindTotal>;
  readonly tools = new Map<string, ToolTotal>();
  readonly models = new Map<string, ModelTotal>();

  add(span: Span): void {
    if (span.copied) return;
    const total = this.kinds[span.kind];
    total.count += 1;
    if (span.failed) total.failed += 1;
    // The time of tools is added apart, and a part of it is no time of its own.
    if (span.kind !== 'tool' && span.parentId === null) total.duration += durationOf(span);
    if (span.kind === 'tool') this.addTool(span);
    if (span.usage) this.addUsage(span.usage);
  }

  /** Adds time in which at least one tool was in progress (ms). */
  addToolTime(ms: number): void {
    this.kinds.tool.duration += ms;
  }

  private addTool(span: Span): void {
    const tool = entryOf(this.tools, span.name, () => ({ count: 0, failed: 0, duration: 0 }));
    tool.count += 1;
    if (span.failed) tool.failed += 1;
    tool.duration += durationOf(span);
  }

  private addUsage(usage: NonNullable<Span['usage']>): void {
    const model = entryOf(this.models, usage.model, () => ({
      count: 0,
      prompt_tokens: 0,
      completion_tokens: 0,
      cache_read_tokens: 0,
      cost: 0,
    }));
    model.count += 1;
    model.prompt_tokens += usage.prompt_tokens;
    model.completion_tokens += usage.completion_tokens;
    model.cache_read_tokens += usage.cache_read_tokens;
    model.cost += usage.cost ?? 0;
  }
}

function entryOf<T>(entries: Map<string, T>, name: string, create: () => T): T {
  const key = entries.has(name) || entries.size < MAX_NAMES ? name : OTHERS;
  const known = entries.get(key);
  if (known) return known;
  const entry = create();
  entries.set(key, entry);
  return entry;
}
