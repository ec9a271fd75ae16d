import { textContent } from '../../events/index.js';
import { objectSchema } from '../../http/index.js';
import { NoArguments, SendArguments, StartArguments } from './arguments.js';
import { mcpTool } from './mcp-tool.js';

const text = { type: 'string' };

export const listProfiles = mcpTool({
  name: 'list_profiles',
  title: 'List profiles',
  description:
    'Lists the agent profiles (agents with their tools and instructions) and the LLM profiles (models) that you can name in ' +
    'start_conversation. You do not need it if the defaults suit you.',
  annotations: { readOnlyHint: true, openWorldHint: false },
  scope: 'read',
  arguments: NoArguments,
  result: objectSchema({
    agent_profiles: [
      {
        type: 'array',
        items: objectSchema({
          name: [text, 'The name of the agent profile.'],
          is_active: [{ type: 'boolean' }, 'Whether it is the default.'],
        }),
      },
      'Agent profiles.',
    ],
    llm_profiles: [{ type: 'array', items: text }, 'Names of LLM profiles.'],
  }),
  call: async (_args, { conversations, principal }) => {
    const { agentProfiles, llmProfiles } = await conversations.profiles(principal);
    return {
      agent_profiles: agentProfiles.map(({ name, isActive }) => ({ name, is_active: isActive })),
      llm_profiles: llmProfiles,
    };
  },
});

export const startConversation = mcpTool({
  name: 'start_conversation',
  title: 'Start a conversation',
  description:
    'Gives a task to a software agent, which works on it on its own: it runs commands, edits files and browses in its working ' +
    'directory. Returns at once with the id of the new conversation. Call wait_for_conversation next to get the answer. The ' +
    'agent sees only your message, so state the goal, the relevant files and what the answer should contain.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  scope: 'write',
  arguments: StartArguments,
  result: objectSchema({
    conversation_id: [text, 'The id of the conversation. Pass it to the other tools.'],
    created: [
      { type: 'boolean' },
      'False if an earlier call with the same idempotency_key has started it; the message was not sent again.',
    ],
  }),
  call: async (args, { conversations, principal, key, nameConversation }) => {
    const wanted = {
      content: [textContent(args.message)],
      agentProfile: args.agent_profile,
      llmProfile: args.llm_profile,
      workingDir: args.working_dir,
      title: args.title,
      key: args.idempotency_key ?? key,
    };
    const { id, created } = await conversations.start(wanted, principal);
    nameConversation(id);
    return { conversation_id: id, created };
  },
});

export const sendMessage = mcpTool({
  name: 'send_message',
  title: 'Send a message',
  description:
    'Sends a message to an existing conversation: an answer to a question of the agent, a correction, or a further task. ' +
    'If the agent is working, it reads the message with its next step; otherwise it starts to work. Returns at once; call ' +
    'wait_for_conversation to get the answer.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  scope: 'write',
  uses: 'uses',
  arguments: SendArguments,
  result: objectSchema({ conversation_id: [text, 'The id of the conversation.'] }),
  call: async (args, { conversations, principal, key }) => {
    const options = { key: args.idempotency_key ?? key };
    await conversations.send(args.conversation_id, [textContent(args.message)], principal, options);
    return { conversation_id: args.conversation_id };
  },
});
