import type { LlmConfig } from '../../llm/request/llm-config.js';
import type { AgentSpec } from '../agent-spec.js';
import type { CondenserSpec } from '../condenser/condenser-spec.js';
import { DEFAULT_PROMPT } from '../prompt/prompt-files.js';
import { needsInvokeTool, type Skill } from '../skills/index.js';
import type { AgentType } from './agent-type.js';

/**
 * Events in the view of a sub-agent from which on it is condensed, and those at its start that stay: the
 * original's.
 */
const MAX_EVENTS = 80;
const KEEP_FIRST = 4;

/** The model of a condenser that summarises with that of its agent. */
export const INHERITED_MODEL = 'inherit';

/** What a task needs besides its type. */
export interface TaskSetup {
  taskId: string;
  /** The model of its own that its type asks for. */
  model?: LlmConfig;
  skills: readonly Skill[];
}

/**
 * The agent that does a task: like the one that calls it, with the role and tools of its type. All that its
 * models cost is counted in the bucket of the task.
 */
export function subAgentSpec(
  caller: AgentSpec,
  type: AgentType,
  { taskId, model, skills }: TaskSetup,
): AgentSpec {
  const llm: LlmConfig = { ...(model ?? caller.llm), stream: false, usage_id: `task:${taskId}` };
  return {
    ...caller,
    llm,
    tools: type.tools.map((name) => ({ name, params: {} })),
    include_default_tools: [
      'FinishTool',
      'ThinkTool',
      ...(needsInvokeTool(skills) ? ['InvokeSkillTool'] : []),
    ],
    agent_context: { ...(skills.length > 0 ? { skills } : {}), system_message_suffix: type.prompt },
    system_prompt: null,
    system_prompt_filename: DEFAULT_PROMPT,
    persona: null,
    condenser: type.condenser ? withInheritedModel(type.condenser, llm) : defaultCondenser(llm),
    critic: null,
    tool_concurrency_limit: 1,
    kind: 'Agent',
  };
}

function defaultCondenser(llm: LlmConfig): CondenserSpec {
  return {
    llm,
    max_size: MAX_EVENTS,
    max_tokens: null,
    keep_first: KEEP_FIRST,
    minimum_progress: 0.1,
    hard_context_reset_max_retries: 5,
    hard_context_reset_context_scaling: 0.8,
    kind: 'LLMSummarizingCondenser',
  };
}

function withInheritedModel(condenser: CondenserSpec, llm: LlmConfig): CondenserSpec {
  switch (condenser.kind) {
    case 'LLMSummarizingCondenser': {
      const own = condenser.llm.model === INHERITED_MODEL ? llm : condenser.llm;
      return { ...condenser, llm: { ...own, usage_id: llm.usage_id } };
    }
    case 'PipelineCondenser':
      return {
        ...condenser,
        condensers: condenser.condensers.map((inner) => withInheritedModel(inner, llm)),
      };
    case 'NoOpCondenser':
      return condenser;
  }
}
