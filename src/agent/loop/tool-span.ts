import type { ActionEvent, EventDraft, MessageToolCall } from '../../events/index.js';
import { plainText } from '../../events/index.js';
import { capturesContent, contentText, traced, type SpanOptions } from '../../telemetry/index.js';
import type { AgentSession } from '../agent-session.js';

/** Names come from models: longer ones are cut (characters). */
const MAX_NAME = 64;

/** Executes a tool within a span, by the conventions for generative AI. */
export function tracedTool(
  session: AgentSession,
  action: ActionEvent,
  run: () => Promise<EventDraft>,
): Promise<EventDraft> {
  return traced(
    spanName(action.tool_name),
    () => toolSpan(action),
    async (span) => {
      const draft = await run();
      if (!span.isRecording) return draft;
      const failure = failureOf(draft);
      if (failure) span.fail(...failure);
      if (capturesContent()) span.set({ 'gen_ai.tool.call.result': resultText(session.maskDraft(draft)) });
      return draft;
    },
  );
}

/** A call that never becomes an action. */
export function traceInvalidCall({ id, name }: MessageToolCall, error: string): Promise<void> {
  return traced(
    spanName(name),
    () => ({ attributes: toolAttributes(name, id) }),
    (span) => {
      span.fail('InvalidToolCall', capturesContent() ? error : undefined);
      return Promise.resolve();
    },
  );
}

function spanName(tool: string): string {
  return `execute_tool ${tool.slice(0, MAX_NAME)}`;
}

function toolSpan({ id, tool_name, tool_call_id, tool_call, action }: ActionEvent): SpanOptions {
  return {
    attributes: {
      ...toolAttributes(tool_name, tool_call_id),
      'openhands.action_id': id,
      'openhands.action_kind': action?.kind,
      'gen_ai.tool.call.arguments': capturesContent() ? contentText(tool_call.arguments) : undefined,
    },
  };
}

function toolAttributes(name: string, callId: string) {
  return {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': name.slice(0, MAX_NAME),
    'gen_ai.tool.type': 'function',
    'gen_ai.tool.call.id': callId,
  };
}

/** The kind and the text of a failure; undefined for a success. */
function failureOf(draft: EventDraft): [type: string, message?: string] | undefined {
  if (draft.kind === 'AgentErrorEvent') return ['ToolError', capturesContent() ? draft.error : undefined];
  const failed = draft.kind === 'ObservationEvent' && draft.observation.is_error;
  return failed ? ['ToolError'] : undefined;
}

function resultText(draft: EventDraft): string {
  if (draft.kind === 'AgentErrorEvent') return contentText(draft.error);
  if (draft.kind !== 'ObservationEvent') return '';
  return contentText(plainText(draft.observation.content));
}
