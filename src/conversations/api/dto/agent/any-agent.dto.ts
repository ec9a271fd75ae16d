import { oneOfKinds } from '../../../../http/index.js';
import { ACPAgentDto } from './acp-agent.dto.js';
import { AgentDto } from './agent.dto.js';

/** The agent of a conversation. An object with `llm` and without `kind` is a built-in agent. */
export const agent = oneOfKinds(() => ({ ACPAgent: ACPAgentDto, Agent: AgentDto }), {
  union: 'openhands.sdk.agent.base.AgentBase',
  assume: (source) => (Object.hasOwn(source, 'llm') ? 'Agent' : undefined),
});
