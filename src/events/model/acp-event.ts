import type { EventBase } from './event-base.js';

/**
 * A tool call of an agent from elsewhere, which runs its tools itself: once when it begins, once when it
 * ends. Words and shapes are those of the Agent Client Protocol.
 */
export interface ACPToolCallEvent extends EventBase {
  tool_call_id: string;
  title: string;
  status?: string;
  tool_kind?: string;
  raw_input?: unknown;
  raw_output?: unknown;
  content?: unknown[];
  is_error: boolean;
  kind: 'ACPToolCallEvent';
}
