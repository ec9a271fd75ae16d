import type { Conversation } from '../../conversations/index.js';
import { WaitArguments } from './arguments.js';
import { mcpTool } from './mcp-tool.js';
import { ProgressReports } from './progress-reports.js';
import { statusResult, WAIT_SCHEMA } from './results.js';

export const waitForConversation = mcpTool({
  name: 'wait_for_conversation',
  title: 'Wait for a conversation',
  description:
    'Waits until the agent stops working, then returns its response and status. Also returns when the time is up: then ' +
    'timed_out is true and the agent continues; call this tool again. Ending or cancelling the wait does not affect the ' +
    'work. If pending_actions is not empty, the agent waits for respond_to_confirmation. With status `error` or `stuck`, ' +
    'reason says what went wrong.',
  annotations: { readOnlyHint: true, openWorldHint: false },
  scope: 'read',
  uses: 'uses',
  arguments: WaitArguments,
  result: WAIT_SCHEMA,
  call: async ({ conversation_id: id, timeout_seconds }, context) => {
    const { conversations, principal, signal, progress } = context;
    const reports = progress && new ProgressReports(progress);
    try {
      const end = await conversations.wait(id, principal, {
        timeoutMs: timeout_seconds * 1000,
        signal,
        onProgress: reports && ((conversation) => reports.note(describe(conversation))),
      });
      // Nobody reads the result.
      if (end === 'left') return {};
      const status = statusResult(await conversations.status(id, principal));
      return { ...status, timed_out: end === 'timeout' };
    } finally {
      reports?.close();
    }
  },
});

/** What the agent is doing, for people. */
function describe({ activity, state }: Conversation): string {
  if (!activity) return state.execution_status;
  const { kind, tool, step } = activity;
  switch (kind) {
    case 'tool':
      return `Step ${step}: running ${tool ?? 'a tool'}`;
    case 'model':
      return `Step ${step}: waiting for the model`;
    case 'hook':
      return `Step ${step}: running a hook`;
    case 'condensation':
      return `Step ${step}: condensing the history`;
    case 'starting':
      return 'Starting';
  }
}
