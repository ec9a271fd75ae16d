import { EXAMPLE_CONVERSATION } from '../../http/index.js';

const TOOLS = [{ name: 'terminal' }, { name: 'file_editor' }];
const WORKSPACE = { working_dir: 'workspace/project' };

/** A message that a scripted model plays. */
const message = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] });

/**
 * Starts the conversation that the other examples use. The model plays the steps in the message, so it needs
 * no key.
 */
export const START_EXAMPLE = {
  conversation_id: EXAMPLE_CONVERSATION,
  agent: { llm: { model: 'scripted/demo' }, tools: TOOLS },
  workspace: WORKSPACE,
  initial_message: message('RUN: echo hello > hello.txt\nFINISH: done'),
};

/** The id of the conversation with an external agent. */
export const ACP_CONVERSATION = '5d1e7c3a-2b4f-4e8d-8c6a-1f2e3d4c5b6a';
/** The id of the conversation with a marketplace. */
export const MARKETPLACE_CONVERSATION = '8b6a4d2e-7c5f-4a3b-9d1e-0f2c4b6a8d1e';

/** Further ways to start a conversation. */
export const OTHER_STARTS = {
  'real-model': {
    summary: 'A model of a provider, which needs a key for each run',
    value: {
      agent: {
        llm: { model: 'anthropic/claude-sonnet-4-5', api_key: 'sk-ant-...', stream: true },
        tools: [...TOOLS, { name: 'task_tracker' }],
      },
      workspace: WORKSPACE,
    },
  },
  confirmation: {
    summary: 'An agent that asks before each action',
    value: {
      agent: { llm: { model: 'scripted/demo' }, tools: TOOLS },
      workspace: WORKSPACE,
      confirmation_policy: { kind: 'AlwaysConfirm' },
      initial_message: message('RUN: date\nFINISH: done'),
    },
  },
  acp: {
    summary: 'An external agent, which is started by the first message',
    value: {
      conversation_id: ACP_CONVERSATION,
      agent_settings: { agent_kind: 'acp', acp_server: 'claude-code' },
      workspace: WORKSPACE,
    },
  },
  marketplace: {
    summary: 'An agent that can load plugins of a marketplace',
    value: {
      conversation_id: MARKETPLACE_CONVERSATION,
      agent: {
        llm: { model: 'scripted/demo' },
        tools: TOOLS,
        agent_context: {
          registered_marketplaces: [{ name: 'local', source: './workspace/examples/marketplace' }],
        },
      },
      workspace: WORKSPACE,
    },
  },
};
