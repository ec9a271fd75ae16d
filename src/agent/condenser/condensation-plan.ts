import type { AgentView, ViewEvent } from '../agent-view.js';
import { allowedCuts, nextCut } from './allowed-cuts.js';
import type { SummarizingCondenserSpec } from './condenser-spec.js';
import { estimateTokens, estimateEventTokens } from './view-tokens.js';

/** Why a view has to become shorter. Without room for a model (`hard`) nothing goes on; `soft` only costs. */
export type CondensationNeed = 'none' | 'soft' | 'hard';

/** The events that go, from `start` (included) to `end` (not included); the summary stands at `start`. */
export interface Cut {
  start: number;
  end: number;
}

/** What a condenser looks at. */
export interface CondensationInput {
  view: AgentView;
  spec: SummarizingCondenserSpec;
  /** Tokens that the view has for the model, as far as is known. */
  tokens: number;
  /** Tokens that the agent's model takes; null: not known. */
  inputLimit: number | null;
  /** It is wanted now, whatever the size. */
  requested: boolean;
}

/** Why this view has to become shorter, if it has to. */
export function condensationNeed(it: CondensationInput): CondensationNeed {
  if (it.requested || it.view.condensationRequested) return 'hard';
  const budget = tokenBudget(it);
  if (budget !== null && it.tokens > budget) return 'hard';
  return it.view.events.length > it.spec.max_size ? 'soft' : 'none';
}

/**
 * What goes: all between the first events and the last ones, so that half of what is allowed is left (of the
 * view, where it was asked for). Undefined when that is too little to be worth a summary.
 */
export function planCut(it: CondensationInput): Cut | undefined {
  const { view, spec } = it;
  const { events } = view;
  const allowed = allowedCuts(events);
  const start = nextCut(
    allowed,
    Math.min(Math.max(spec.keep_first, systemPromptLength(events)), events.length),
  );
  const end = Math.min(
    nextCut(allowed, events.length - Math.max(0, tailLength(it))),
    firstPendingIndex(view),
  );
  if (end - start < events.length * spec.minimum_progress) return undefined;
  return hasMoreThanSummaries(events.slice(start, end)) ? { start, end } : undefined;
}

/** Everything behind the system prompt; undefined when there is nothing but a summary there. */
export function planReset(view: AgentView): Cut | undefined {
  const start = systemPromptLength(view.events);
  const end = firstPendingIndex(view);
  return hasMoreThanSummaries(view.events.slice(start, end)) ? { start, end } : undefined;
}

/** The system prompt stays in any case. */
function systemPromptLength(events: readonly ViewEvent[]): number {
  return events[0]?.kind === 'SystemPromptEvent' ? 1 : 0;
}

/** A summary of a summary would not be shorter. */
function hasMoreThanSummaries(events: readonly ViewEvent[]): boolean {
  return events.some((event) => event.kind !== 'CondensationSummaryEvent');
}

/** Where the answer begins whose calls wait for their results: from there on everything is needed. */
function firstPendingIndex(view: AgentView): number {
  const [open] = view.pendingActions();
  if (!open) return view.events.length;
  return view.events.findIndex(
    (event) => event.kind === 'ActionEvent' && event.llm_response_id === open.llm_response_id,
  );
}

/** How many events at the end stay. */
function tailLength(it: CondensationInput): number {
  const { view, spec } = it;
  const { events } = view;
  const wanted: number[] = [];
  if (it.requested || view.condensationRequested)
    wanted.push(Math.floor(events.length / 2) - spec.keep_first - 1);
  const budget = tokenBudget(it);
  if (budget !== null && it.tokens > budget) {
    // Single events are only estimated: what is too little in one is too little in all.
    wanted.push(tailThatFits(events, spec.keep_first, ((budget / 2) * estimateTokens(events)) / it.tokens));
  }
  if (events.length > spec.max_size) wanted.push(Math.floor(spec.max_size / 2) - spec.keep_first - 1);
  return Math.min(...wanted);
}

/** How many of the last events have room together with the first ones. */
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
