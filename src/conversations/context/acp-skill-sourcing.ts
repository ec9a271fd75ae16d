import type { AgentSpec } from '../../agent/index.js';
import type { AppConfig } from '../../config/index.js';

/** What the server would give an agent beside the skills of its project. */
const NONE = {
  skills: [],
  load_user_skills: false,
  load_public_skills: false,
  registered_marketplaces: [],
} as const;

/**
 * Leaves skills to the ACP agent itself if the configuration says so: most bring their own, and would be told
 * of each twice. Agents of the server are not concerned.
 */
export function withSkillSourcing(
  agent: AgentSpec,
  { acp_skill_sourcing: sourcing }: Pick<AppConfig, 'acp_skill_sourcing'>,
): AgentSpec {
  if (agent.kind !== 'ACPAgent' || sourcing !== 'native' || !agent.agent_context) return agent;
  return { ...agent, agent_context: { ...agent.agent_context, ...NONE } };
}
