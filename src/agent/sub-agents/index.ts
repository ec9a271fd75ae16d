export { agentTypes, type AgentType } from './agent-type.js';
export { subAgentSpec } from './sub-agent-spec.js';
