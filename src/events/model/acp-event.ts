import type { EventBase } from './event-base.js';

/**
 * A tool call of an ACP agent, which runs its tools itself. Written once when the call starts and once when
 * it ends. Names and shapes are those of the Agent Client Protocol.
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
