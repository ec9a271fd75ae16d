import type { AgentSpec } from '../../agent/index.js';
import { withSkillSourcing } from './acp-skill-sourcing.js';

const CONTEXT = {
  skills: [{ name: 'one', content: 'do' }],
  load_user_skills: true,
  load_public_skills: true,
  load_project_skills: true,
  registered_marketplaces: [{ name: 'm' }],
  system_message_suffix: 'Be brief',
};
const NATIVE = {
  ...CONTEXT,
  skills: [],
  load_user_skills: false,
  load_public_skills: false,
  registered_marketplaces: [],
};
const agent = (kind: AgentSpec['kind']): AgentSpec =>
  ({ kind, agent_context: CONTEXT }) as unknown as AgentSpec;

describe('the sourcing of skills', () => {
  it.each([
    ['ACPAgent', 'native', NATIVE],
    ['ACPAgent', 'openhands_managed', CONTEXT],
    ['Agent', 'native', CONTEXT],
  ] as const)('gives an %s with %s what the original gives it', (kind, sourcing, expected) => {
    const { agent_context } = withSkillSourcing(agent(kind), { acp_skill_sourcing: sourcing });
    expect(agent_context).toEqual(expected);
  });
});
