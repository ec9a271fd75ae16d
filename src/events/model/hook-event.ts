import type { EventBase } from './event-base.js';

/** The points at which hooks run. */
export const HOOK_EVENT_TYPES = [
  'PreToolUse',
  'PostToolUse',
  'UserPromptSubmit',
  'SessionStart',
  'SessionEnd',
  'Stop',
] as const;
export type HookEventType = (typeof HOOK_EVENT_TYPES)[number];

/** A hook has run. Precedes the event that the hook was run for. */
export interface HookExecutionEvent extends EventBase {
  hook_event_type: HookEventType;
  /** The command; for hooks of other types `prompt-hook:<name>` or `agent-hook:<name>`. */
  hook_command: string;
  tool_name?: string;
  success: boolean;
  blocked: boolean;
  /** -1 if the command was not started or was terminated. */
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
