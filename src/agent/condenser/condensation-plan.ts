import type { AgentView, ViewEvent } from '../agent-view.js';
import { allowedCuts, nextCut } from './allowed-cuts.js';
import type { SummarizingCondenserSpec } from './condenser-spec.js';
import { estimateTokens, estimateEventTokens } from './view-tokens.js';

/**
 * Whether a view needs a condensation: `hard` if it must be condensed now, `soft` if it is only longer than
 * configured.
 */
type CondensationNeed = 'none' | 'soft' | 'hard';

/**
 * The events to condense: from `start` (inclusive) to `end` (exclusive). The summary is placed at `start`.
 */
export interface Cut {
  start: number;
  end: number;
}

/** The input of a condensation decision. */
export interface CondensationInput {
  view: AgentView;
  spec: SummarizingCondenserSpec;
  /** Tokens of the view, partly estimated. */
  tokens: number;
  /** Input limit of the agent's model in tokens; null if unknown. */
  inputLimit: number | null;
  /** A condensation was requested, whatever the size. */
  requested: boolean;
}

/** Decides whether a view needs a condensation. */
export function condensationNeed(input: CondensationInput): CondensationNeed {
  if (input.requested || input.view.condensationRequested) return 'hard';
  const budget = tokenBudget(input);
  if (budget !== null && input.tokens > budget) return 'hard';
  return input.view.events.length > input.spec.max_size ? 'soft' : 'none';
}

/**
 * Selects the events between the kept first and last ones, so that half of the allowed size remains (half of
 * the view for a request). Undefined if too few events would be removed.
 */
export function planCut(input: CondensationInput): Cut | undefined {
  const { view, spec } = input;
  const { events } = view;
  const allowed = allowedCuts(events);
  const start = nextCut(
    allowed,
    Math.min(Math.max(spec.keep_first, systemPromptLength(events)), events.length),
  );
  const end = Math.min(
    nextCut(allowed, events.length - Math.max(0, tailLength(input))),
    firstPendingIndex(view),
  );
  if (end - start < events.length * spec.minimum_progress) return undefined;
  return hasMoreThanSummaries(events.slice(start, end)) ? { start, end } : undefined;
}

/** Everything after the system prompt; undefined if that is only a summary. */
export function planReset(view: AgentView): Cut | undefined {
  const start = systemPromptLength(view.events);
  const end = firstPendingIndex(view);
  return hasMoreThanSummaries(view.events.slice(start, end)) ? { start, end } : undefined;
}

/** The system prompt is never condensed. */
function systemPromptLength(events: readonly ViewEvent[]): number {
  return events[0]?.kind === 'SystemPromptEvent' ? 1 : 0;
}

/** Summarizing only summaries would not make the view shorter. */
function hasMoreThanSummaries(events: readonly ViewEvent[]): boolean {
  return events.some((event) => event.kind !== 'CondensationSummaryEvent');
}

/** Index of the first answer with pending calls: all events from there on are needed. */
function firstPendingIndex(view: AgentView): number {
  const [open] = view.pendingActions();
  if (!open) return view.events.length;
  return view.events.findIndex(
    (event) => event.kind === 'ActionEvent' && event.llm_response_id === open.llm_response_id,
  );
}

/** Number of events to keep at the end. */
function tailLength(input: CondensationInput): number {
  const { view, spec } = input;
  const { events } = view;
  const wanted: number[] = [];
  if (input.requested || view.condensationRequested)
    wanted.push(Math.floor(events.length / 2) - spec.keep_first - 1);
  const budget = tokenBudget(input);
  if (budget !== null && input.tokens > budget) {
    // Estimates of single events are scaled by the ratio of the known total to the estimated total.
    wanted.push(
      tailThatFits(events, spec.keep_first, ((budget / 2) * estimateTokens(events)) / input.tokens),
    );
  }
  if (events.length > spec.max_size) wanted.push(Math.floor(spec.max_size / 2) - spec.keep_first - 1);
  return Math.min(...wanted);
}

/** Number of last events that fit together with the first ones. */
function tailThatFits(events: readonly ViewEvent[], keepFirst: number, tokens: number): number {
  let room = tokens - estimateTokens(events.slice(0, keepFirst));
  let length = 0;
  for (const event of events.slice(keepFirst).reverse()) {
    room -= estimateEventTokens(event);
    if (room < 0) break;
    length += 1;
  }
  return length;
}

function tokenBudget({ spec, inputLimit }: CondensationInput): number | null {
  if (spec.max_tokens === null) return inputLimit;
  return inputLimit === null ? spec.max_tokens : Math.min(spec.max_tokens, inputLimit);
}
