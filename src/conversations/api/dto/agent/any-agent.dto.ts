import { oneOfKinds } from '../../../../http/validation/dto.js';
import { ACPAgentDto } from './acp-agent.dto.js';
import { AgentDto } from './agent.dto.js';

/** Which agent works in a conversation; one with an `llm` need not say its kind. */
export const agent = oneOfKinds(() => ({ ACPAgent: ACPAgentDto, Agent: AgentDto }), {
  union: 'openhands.sdk.agent.base.AgentBase',
  assume: (source) => (Object.hasOwn(source, 'llm') ? 'Agent' : undefined),
});
