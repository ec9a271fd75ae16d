import { textContent, type EventDraft } from '../../events/index.js';
import { describeTool, type ToolDefinition } from '../../tools/index.js';
import type { AgentSpec } from '../agent-spec.js';
import { skillsOf } from '../skills/skill.js';
import { modelSection } from './model-section.js';
import { PLANNER, planningSections } from './planning-sections.js';
import { PLANNING_PROMPT, type PromptFiles } from './prompt-files.js';
import {
  BROWSER,
  CODING,
  EXTERNAL_SERVICES,
  PROCESS_MANAGEMENT,
  REPOSITORY_MEMORY,
  RISK_IN_A_SANDBOX,
  RISK_ON_A_MACHINE,
  ROLE,
  SECURITY_POLICY,
  SELF_DOCUMENTATION,
  SOUL,
  TROUBLESHOOTING,
  TWO_TIER_MEMORY,
  type PromptSection,
} from './sections.js';
import { secretsSection, type SecretName } from './secrets-section.js';
import { availableSkillsSection, memorySection, repositorySection } from './skills-section.js';

/** Shown as the prompt of ACP agents, which use their own. */
const ACP_PROMPT =
  'This conversation is powered by an ACP server. The system prompt and tools are managed by the ACP server and are not ' +
  'available for display.';

/** Inputs of the prompt besides the agent's configuration. */
interface PromptInput {
  secrets: readonly SecretName[];
  files: PromptFiles;
  /** The agent's memory. */
  memory?: string;
  /** What the sandbox of its programs does not let it do. */
  sandbox?: string;
  now: Date;
}

/** The first event of a conversation: the static prompt, the tools, and the context of this conversation. */
export function systemPromptDraft(
  agent: AgentSpec,
  definitions: readonly ToolDefinition[],
  input: PromptInput,
): EventDraft {
  const dynamic = dynamicContext(agent, input);
  return {
    source: 'agent',
    system_prompt: textContent(staticPrompt(agent, definitions, input)),
    tools: definitions.map(describeTool),
    dynamic_context: dynamic === undefined ? undefined : textContent(dynamic),
    kind: 'SystemPromptEvent',
  };
}

/** The part that is the same for all conversations of this agent, so that providers can cache it. */
function staticPrompt(
  agent: AgentSpec,
  definitions: readonly ToolDefinition[],
  { files, sandbox }: PromptInput,
): string {
  if (agent.kind === 'ACPAgent') return ACP_PROMPT;
  const hasBrowser = definitions.some(({ actionKind }) => actionKind.startsWith('Browser'));
  if (agent.system_prompt !== null) {
    return [agent.system_prompt, ...(hasBrowser ? [render(BROWSER)] : [])].join('\n\n');
  }
  if (files.prompt !== undefined) return files.prompt;
  const limits = sandbox === undefined ? [] : [render({ tag: 'SANDBOX', text: sandbox })];
  const persona = agent.persona ? [agent.persona] : [];
  if (agent.system_prompt_filename === PLANNING_PROMPT) {
    const structure = agent.system_prompt_kwargs['plan_structure'];
    const sections = planningSections(typeof structure === 'string' ? structure : '');
    return [...persona, PLANNER, ...sections.map(render), ...limits].join('\n\n');
  }
  return [...persona, ...sectionsFor(agent, hasBrowser, files).map(render), ...limits].join('\n\n');
}

/** The sections of the static prompt. With a persona, those about coding are left out. */
function sectionsFor(agent: AgentSpec, hasBrowser: boolean, files: PromptFiles): PromptSection[] {
  const { security_policy_filename, system_prompt_kwargs: options, llm, persona } = agent;
  const memory = agent.agent_context?.['load_memory'] === true ? TWO_TIER_MEMORY : REPOSITORY_MEMORY;
  const policy = files.policy === undefined ? SECURITY_POLICY : { ...SECURITY_POLICY, text: files.policy };
  const risk = options['cli_mode'] === false ? RISK_IN_A_SANDBOX : RISK_ON_A_MACHINE;
  const model = modelSection(llm, options);
  return [
    ...(persona
      ? [memory]
      : [{ tag: 'SOUL', text: files.soul ?? SOUL }, ROLE, memory, ...CODING, SELF_DOCUMENTATION]),
    ...(security_policy_filename ? [policy] : []),
    ...(options['llm_security_analyzer'] === false ? [] : [risk]),
    ...(hasBrowser ? [BROWSER] : []),
    EXTERNAL_SERVICES,
    ...(persona ? [] : TROUBLESHOOTING),
    PROCESS_MANAGEMENT,
    ...(model ? [model] : []),
  ];
}

/**
 * The context of this conversation: skills, memory, suffix, secrets and date. Undefined without an agent
 * context and secrets.
 */
function dynamicContext(agent: AgentSpec, { secrets, memory, now }: PromptInput): string | undefined {
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
    render({ tag: 'CURRENT_DATETIME', text: `The current date and time is: ${currentDateTime(agent, now)}` }),
  );
  return blocks.join('\n\n');
}

function currentDateTime(agent: AgentSpec, now: Date): string {
  const given = agent.agent_context?.['current_datetime'];
  if (typeof given === 'string' && given !== '') return given.slice(0, 16);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
  return `${day}T${pad(now.getHours())}:${pad(now.getMinutes())}`;
}

function render(section: PromptSection): string {
  return `<${section.tag}>\n${section.text}\n</${section.tag}>`;
}
