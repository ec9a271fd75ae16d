import type { EventBase } from './event-base.js';

/** The points of a conversation's life at which hooks run. */
export const HOOK_EVENT_TYPES = [
  'PreToolUse',
  'PostToolUse',
  'UserPromptSubmit',
  'SessionStart',
  'SessionEnd',
  'Stop',
] as const;
export type HookEventType = (typeof HOOK_EVENT_TYPES)[number];

/** A hook has run. Stands before the event that it is about. */
export interface HookExecutionEvent extends EventBase {
  hook_event_type: HookEventType;
  /** The command; for the other types `prompt-hook:<name>` or `agent-hook:<name>`. */
  hook_command: string;
  tool_name?: string;
  success: boolean;
  blocked: boolean;
  /** -1: it did not end by itself, or was not started. */
  exit_code: number;
  stdout: string;
  stderr: string;
  reason?: string;
  additional_context?: string;
  error?: string;
  action_id?: string;
  message_id?: string;
  hook_input?: Record<string, unknown>;
  kind: 'HookExecutionEvent';
}
