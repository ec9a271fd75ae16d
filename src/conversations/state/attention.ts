import {
  plainText,
  type ConversationErrorEvent,
  type DurableEvent,
  type ExecutionStatus,
} from '../../events/index.js';
import { asksSomething, lastParagraph, oneLine } from './one-line.js';

/** What a person can be waited for. */
export type WaitsFor = 'confirmation' | 'question' | 'error' | 'budget';

/** What the agent or the server said last to the person. */
interface LastWord {
  kind: 'question' | 'error';
  /** The class of the error; null for a question. */
  code: string | null;
  /** One line, with secrets masked as in the event. */
  text: string;
  /** UTC. */
  at: string;
}

/** What the log says about why a conversation may wait for a person. A part of the state. */
export interface Attention {
  /** When the execution status changed last (UTC). */
  since: string;
  word: LastWord | null;
}

/** Why a conversation waits for a person. */
export interface Waiting {
  for: WaitsFor;
  /** UTC. */
  since: string;
  /** One line; null if the log does not say. */
  reason: string | null;
}

/** Codes of errors that end a run because it has used what it was allowed to use. */
const LIMIT_CODES: ReadonlySet<string> = new Set(['MaxBudgetReached', 'MaxIterationsReached']);

const STUCK = 'The agent repeated itself and was stopped.';

/** That nobody is waited for. */
export function noAttention(since: string): Attention {
  return { since, word: null };
}

/** That a run failed without an event of its failure. */
export function failedAttention(code: string, detail: string, at: string): Attention {
  return { since: at, word: { kind: 'error', code, text: oneLine(`${code}: ${detail}`), at } };
}

/** Folds one event of the log. @param at its time in UTC */
export function foldAttention(attention: Attention, event: DurableEvent, at: string, isAcp: boolean): void {
  switch (event.kind) {
    case 'ConversationStateUpdateEvent':
      if (event.key !== 'execution_status') return;
      attention.since = at;
      if (event.value === 'running') attention.word = null;
      return;
    case 'MessageEvent':
      attention.word = event.source === 'agent' ? questionIn(plainText(event.llm_message.content), at) : null;
      return;
    case 'ActionEvent':
      if (event.tool_name !== 'finish') return;
      // An ACP agent ends each turn with `finish`, also one in which it asks something.
      attention.word = isAcp ? questionIn(event.action?.['message'], at) : null;
      return;
    case 'ConversationErrorEvent':
      attention.word = errorOf(event, at);
      return;
    case 'PauseEvent':
    case 'InterruptEvent':
      attention.word = null;
      return;
    default:
      return;
  }
}

/** Why a conversation waits for a person, apart from a confirmation; undefined if it does not. */
export function waitingOf(status: ExecutionStatus, { word, since }: Attention): Waiting | undefined {
  if (status === 'stuck') return { for: 'error', since, reason: STUCK };
  if (word?.kind === 'question')
    return status === 'finished' ? { for: 'question', since: word.at, reason: word.text } : undefined;
  // `paused`: the server was restarted during the run.
  if (word?.kind === 'error' && (status === 'error' || status === 'paused')) {
    const isLimit = word.code !== null && LIMIT_CODES.has(word.code);
    return { for: isLimit ? 'budget' : 'error', since: word.at, reason: word.text };
  }
  return status === 'error' ? { for: 'error', since, reason: null } : undefined;
}

function questionIn(text: unknown, at: string): LastWord | null {
  if (typeof text !== 'string') return null;
  const asked = lastParagraph(text);
  return asksSomething(asked) ? { kind: 'question', code: null, text: oneLine(asked), at } : null;
}

function errorOf({ code, detail }: ConversationErrorEvent, at: string): LastWord {
  return { kind: 'error', code, text: oneLine(`${code}: ${detail}`), at };
}
