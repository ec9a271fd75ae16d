import { meaningOf } from '../api/run-error-advice.js';
import { oneLine } from '../ui/safe-text.js';
import type { Summary } from './summary-store.js';

const WAITS: Readonly<Record<string, string>> = {
  confirmation: 'Approval',
  question: 'Question',
  error: 'Error',
  budget: 'Limit',
};
const ACTIVITIES: Readonly<Record<string, string>> = {
  starting: 'Starting',
  model: 'Asking the model',
  condensation: 'Summarising the history',
};

/** Names of classes of a provider's library before its message. */
const CLASS_NAMES = /^(?:[\w.]{1,80}(?:Error|Exception)(?:: | - )){1,5}/;

/** What a conversation is called in lists and messages. */
export function titleOf({ title, id }: Pick<Summary, 'title' | 'id'>): string {
  const text = oneLine(title ?? '', 200);
  return text === '' ? `Conversation ${id.slice(0, 8)}` : text;
}

/** What a conversation waits for, in a word. */
export function waitsLabel(waitsFor: string): string {
  return WAITS[waitsFor] ?? waitsFor;
}

/** Why a conversation waits. Errors begin with what they mean instead of the name of their class. */
export function reasonText({ reason, waits_for }: Pick<Summary, 'reason' | 'waits_for'>): string {
  if (reason === null) return 'Open it to see why.';
  const text = oneLine(reason, 300);
  if (waits_for !== 'error' && waits_for !== 'budget') return text;
  const [, code = '', detail = ''] = /^(\w{1,80}): (.*)$/.exec(text) ?? [];
  const meaning = meaningOf(code);
  return meaning === undefined ? text : `${meaning}. ${detail.replace(CLASS_NAMES, '')}`;
}

/** What a run does, in a few words. */
export function activityLabel({ kind, tool }: NonNullable<Summary['activity']>): string {
  if (kind === 'tool') return oneLine(tool ?? 'Tool', 80);
  if (kind === 'hook') return `Hook ${oneLine(tool ?? '', 40)}`;
  return ACTIVITIES[kind] ?? kind;
}

/** The address of a conversation, below the console. */
export function conversationPath(id: string): string {
  return `conversations/${id}`;
}

/** The model without its provider, which stands in the title. */
export function shortModel(model: string): string {
  return oneLine(model.slice(model.lastIndexOf('/') + 1), 40);
}
