import { DEFAULT_REJECTION } from '../../conversations/index.js';
import { objectSchema } from '../../http/index.js';
import { ConversationArguments, RespondArguments } from './arguments.js';
import { mcpTool, type McpTool, type ToolContext } from './mcp-tool.js';

const RESULT = objectSchema({
  conversation_id: [{ type: 'string' }, 'The id of the conversation.'],
});

export const respondToConfirmation = mcpTool({
  name: 'respond_to_confirmation',
  title: 'Accept or reject pending actions',
  description:
    'Decides about the actions for which a conversation waits (status waiting_for_confirmation; see pending_actions). ' +
    'Accepting executes them and lets the agent continue; call wait_for_conversation afterwards. After a rejection the agent ' +
    'stops: tell it what to do instead with send_message, or call resume_conversation. Do not accept an action that your user ' +
    'would not want to be executed.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  scope: 'write',
  uses: 'uses',
  arguments: RespondArguments,
  result: RESULT,
  call: async (args, { conversations, principal, key }) => {
    const { conversation_id: id, accept, reason } = args;
    const options = { key: args.idempotency_key ?? key };
    await conversations.respond(id, accept, reason ?? DEFAULT_REJECTION, principal, options);
    return { conversation_id: id };
  },
});

export const pauseConversation = steeringTool({
  name: 'pause_conversation',
  title: 'Pause a conversation',
  description:
    'Pauses the agent after its current step. Nothing is lost; resume_conversation or send_message continues the work.',
  steer: ({ conversations, principal }, id) => conversations.pause(id, principal),
});

export const interruptConversation = steeringTool({
  name: 'interrupt_conversation',
  title: 'Interrupt a conversation',
  description:
    'Stops the agent at once, in the middle of a step: running commands and model calls are ended. Use pause_conversation ' +
    'unless it is urgent. resume_conversation or send_message continues the work.',
  steer: ({ conversations, principal }, id) => conversations.interrupt(id, principal),
});

export const resumeConversation = steeringTool({
  name: 'resume_conversation',
  title: 'Resume a conversation',
  description:
    'Lets the agent continue after a pause, an interruption, an error or a rejection, without a new message. If actions wait ' +
    'for confirmation, use respond_to_confirmation instead.',
  steer: ({ conversations, principal }, id) => conversations.resume(id, principal),
});

function steeringTool({
  steer,
  ...tool
}: Pick<McpTool, 'name' | 'title' | 'description'> & {
  steer: (context: ToolContext, id: string) => Promise<void>;
}): McpTool {
  return mcpTool({
    ...tool,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    scope: 'write',
    uses: 'uses',
    arguments: ConversationArguments,
    result: RESULT,
    call: async ({ conversation_id: id }, context) => {
      await steer(context, id);
      return { conversation_id: id };
    },
  });
}
