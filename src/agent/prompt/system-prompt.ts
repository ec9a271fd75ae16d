import { textContent, type EventDraft } from '../../events/index.js';
import { describeTool, type ToolDefinition } from '../../tools/tool.js';
import type { AgentSpec } from '../agent-spec.js';
import {
  CODING,
  GENERAL,
  REPOSITORY_MEMORY,
  RISK_ASSESSMENT,
  ROLE,
  SECURITY_POLICY,
  TWO_TIER_MEMORY,
  type PromptSection,
} from './sections.js';
import { skillsOf } from '../skills/skill.js';
import { availableSkillsSection, memorySection, repositorySection } from './skills-section.js';
import { secretsSection, type SecretName } from './secrets-section.js';

/** What a prompt is made of besides the agent. */
export interface PromptFacts {
  secrets: readonly SecretName[];
  /** What the agent has noted down before. */
  memory?: string;
  now: Date;
}

/** What a conversation starts with: the static prompt, the tools, and what is true of this conversation only. */
export function systemPromptDraft(
  agent: AgentSpec,
  definitions: readonly ToolDefinition[],
  facts: PromptFacts,
): EventDraft {
  const dynamic = dynamicContext(agent, facts);
  return {
    source: 'agent',
    system_prompt: textContent(staticPrompt(agent)),
    tools: definitions.map(describeTool),
    dynamic_context: dynamic === undefined ? undefined : textContent(dynamic),
    kind: 'SystemPromptEvent',
  };
}

/** The part that is the same for every conversation of this agent, so that providers can cache it. */
export function staticPrompt(agent: AgentSpec): string {
  if (agent.system_prompt !== null) return agent.system_prompt;
  const memory = agent.agent_context?.['load_memory'] === true ? TWO_TIER_MEMORY : REPOSITORY_MEMORY;
  const sections: PromptSection[] = agent.persona
    ? [{ tag: 'ROLE', text: agent.persona }, memory]
    : [...ROLE, memory, ...CODING];
  if (agent.security_policy_filename) sections.push(SECURITY_POLICY);
  if (agent.system_prompt_kwargs['llm_security_analyzer'] !== false) sections.push(RISK_ASSESSMENT);
  return [...sections, ...GENERAL].map(render).join('\n\n');
}

/** The part of this conversation: skills, memory, suffix, secrets and date. None without a context and secrets. */
function dynamicContext(agent: AgentSpec, { secrets, memory, now }: PromptFacts): string | undefined {
  if (!agent.agent_context && secrets.length === 0) return undefined;
  const skills = skillsOf(agent);
  const context = [
    repositorySection(skills),
    memory === undefined ? undefined : memorySection(memory),
    availableSkillsSection(skills),
  ];
  const blocks = context.flatMap((section) => (section ? [render(section)] : []));
  const suffix = agent.agent_context?.['system_message_suffix'];
  if (typeof suffix === 'string' && suffix.trim() !== '') blocks.push(suffix);
  if (secrets.length > 0) blocks.push(render(secretsSection(secrets)));
  blocks.push(
    render({ tag: 'CURRENT_DATETIME', text: `The current date and time is: ${toMinutes(agent, now)}` }),
  );
  return blocks.join('\n\n');
}

function toMinutes(agent: AgentSpec, now: Date): string {
  const given = agent.agent_context?.['current_datetime'];
  if (typeof given === 'string' && given !== '') return given.slice(0, 16);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
  return `${day}T${pad(now.getHours())}:${pad(now.getMinutes())}`;
}

function render(section: PromptSection): string {
  return `<${section.tag}>\n${section.text}\n</${section.tag}>`;
}
