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

/** What a conversation is called in lists and messages. */
export function titleOf({ title, id }: Pick<Summary, 'title' | 'id'>): string {
  const text = oneLine(title ?? '', 200);
  return text === '' ? `Conversation ${id.slice(0, 8)}` : text;
}

/** What a conversation waits for, in a word. */
export function waitsLabel(waitsFor: string): string {
  return WAITS[waitsFor] ?? waitsFor;
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
