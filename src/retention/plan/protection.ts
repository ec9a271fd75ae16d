import { isBookmarked, type ConversationUse } from '../../conversations/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import type { RetentionRules } from './retention-rules.js';

const DAY_MS = 86_400_000;

/** Why a conversation is left alone, in the order in which it is asked. */
export const PROTECTIONS = [
  'running',
  'waiting',
  'open',
  'recent',
  'bookmarked',
  'related',
  'container',
  'elsewhere',
] as const;

/** Why a conversation is left alone. */
export type Protection = (typeof PROTECTIONS)[number];

/** The parts of a state that protect a conversation; it may be stored or in memory. */
export interface Judged {
  execution_status: string;
  updated_at: string;
  tags?: unknown;
  goal?: unknown;
}

/** What a conversation itself and its use protect it from; undefined: nothing. */
export function protectionOf(
  state: Judged,
  use: ConversationUse | undefined,
  keepSeconds: number,
): Protection | undefined {
  const { execution_status: status, updated_at, tags, goal } = state;
  if (status === 'running' || use?.isWorking || (isJsonObject(goal) && goal['active'] === true))
    return 'running';
  if (status === 'waiting_for_confirmation') return 'waiting';
  if (use && use.watchers > 0) return 'open';
  // A time in the future is that of a clock that was set back since.
  const unchangedMs = Math.abs(Date.now() - Date.parse(updated_at));
  if (Math.min(unchangedMs, use?.unusedMs ?? Infinity) < keepSeconds * 1000) return 'recent';
  return isBookmarked(tags) ? 'bookmarked' : undefined;
}

/** Whether the rule of age removes a conversation, unless something protects it. */
export function isTooOld(
  { updated_at }: Pick<Judged, 'updated_at'>,
  { retention_days: days }: Pick<RetentionRules, 'retention_days'>,
): boolean {
  return days !== null && Date.parse(updated_at) <= Date.now() - days * DAY_MS;
}

/** Whether a conversation is in the middle of something, as far as its status says. */
export function isActive({ execution_status: status }: Pick<Judged, 'execution_status'>): boolean {
  return status === 'running' || status === 'waiting_for_confirmation';
}

/** Whether its last run has come to an end: nobody goes on with it as it is. */
export function hasEnded({ execution_status: status }: Pick<Judged, 'execution_status'>): boolean {
  return status === 'finished' || status === 'error' || status === 'stuck';
}

/** The folder of the worktree in stored metadata. */
export function worktreeOf(metadata: JsonObject): string | undefined {
  const { worktree } = metadata;
  const folder = isJsonObject(worktree) ? worktree['path'] : undefined;
  return typeof folder === 'string' ? folder : undefined;
}
