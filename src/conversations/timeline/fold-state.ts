import type { FileUse, Span, SpanUsage } from './span.js';
import type { UsageTotals } from './usage-changes.js';

/** A tool call without a result. */
export interface OpenCall {
  actionId: string;
  callId: string;
  name: string;
  detail: string;
  /** When it could begin: its action was stored, approved, or resumed. */
  start: number;
  /** The position in its answer: a later call may begin only when an earlier one has ended. */
  index: number;
  files: FileUse[];
}

/** A wait of the agent for a person. */
export interface Wait {
  kind: 'person' | 'confirmation' | 'paused';
  name: string;
  start: number;
  eventId: string | null;
  /** A person refused what was waited for. */
  refused: boolean;
}

/** A hook that has run, before it is known for how long. */
export interface HookRun {
  id: string;
  name: string;
  at: number;
  seq: number;
  failed: boolean;
}

/** Usage that no answer was found for yet. */
export interface OpenUsage {
  usage: SpanUsage;
  /** The `stats` event. */
  id: string;
  /** Its place among the usages of that event. */
  part: number;
  at: number;
  seq: number;
}

/** What the next event of a log needs to know of those before it. Plain data, which can be copied. */
export interface FoldState {
  /** The time of the last event. Never goes back. */
  now: number;
  /** The time of the last event that was not written by the recovery from a crash. */
  lastWork: number;
  running: boolean;
  /** Since when the agent may have been waiting for its model. */
  idleSince: number;
  step: number;
  /** The response id of the last answer. */
  responseId: string | null;
  /** The model of the last answer. */
  model: string;
  wait: Wait | null;
  /** When the agent last said that it was done, for logs without changes of status. */
  doneAt: number | null;
  /** When a run with the status `error` began to wait for its model. */
  failedFrom: number | null;
  calls: OpenCall[];
  /** Calls of the current answer so far. */
  callCount: number;
  lastCallEnd: number;
  /** Since when a tool is in progress. */
  toolsSince: number;
  hooks: HookRun[];
  /** An answer or a condensation whose usage follows in a later event. */
  held: Span | null;
  usages: OpenUsage[];
  totals: Record<string, UsageTotals>;
}

/** The state before the first event. */
export function initialState(): FoldState {
  return {
    now: 0,
    lastWork: 0,
    running: false,
    idleSince: 0,
    step: 0,
    responseId: null,
    model: '',
    wait: null,
    doneAt: null,
    failedFrom: null,
    calls: [],
    callCount: 0,
    lastCallEnd: 0,
    toolsSince: 0,
    hooks: [],
    held: null,
    usages: [],
    totals: {},
  };
}
