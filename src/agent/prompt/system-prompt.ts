import { textContent, type EventDraft } from '../../events/index.js';
import { describeTool, type ToolDefinition } from '../../tools/tool.js';
import type { AgentSpec } from '../agent-spec.js';
import { CODING, GENERAL, RISK_ASSESSMENT, ROLE, SECURITY_POLICY, type PromptSection } from './sections.js';
import { secretsSection, type SecretName } from './secrets-section.js';

/** What a conversation starts with: the static prompt, the tools, and what is true of this conversation only. */
export function systemPromptDraft(
  agent: AgentSpec,
  definitions: readonly ToolDefinition[],
  secrets: readonly SecretName[],
  now: Date,
): EventDraft {
  const dynamic = dynamicContext(agent, secrets, now);
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
  const sections: PromptSection[] = agent.persona
    ? [{ tag: 'ROLE', text: agent.persona }]
    : [...ROLE, ...CODING];
  if (agent.security_policy_filename) sections.push(SECURITY_POLICY);
  if (agent.system_prompt_kwargs['llm_security_analyzer'] !== false) sections.push(RISK_ASSESSMENT);
  return [...sections, ...GENERAL].map(render).join('\n\n');
}

/** The part of this conversation: suffix, secrets and date. None without a context and secrets. */
function dynamicContext(agent: AgentSpec, secrets: readonly SecretName[], now: Date): string | undefined {
  if (!agent.agent_context && secrets.length === 0) return undefined;
  const blocks: string[] = [];
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
