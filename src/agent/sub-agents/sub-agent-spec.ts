import type { LlmConfig } from '../../llm/index.js';
import type { AgentSpec } from '../agent-spec.js';
import type { CondenserSpec } from '../condenser/condenser-spec.js';
import { DEFAULT_PROMPT } from '../prompt/prompt-files.js';
import { needsInvokeTool, type Skill } from '../skills/index.js';
import type { AgentType } from './agent-type.js';

/**
 * Defaults of the original: number of events in a sub-agent's view above which it is condensed, and of first
 * events that are kept.
 */
const MAX_EVENTS = 80;
const KEEP_FIRST = 4;

/** Stands for the agent's own model in a condenser's configuration. */
export const INHERITED_MODEL = 'inherit';

/** Settings of a task besides its type. */
interface TaskSetup {
  taskId: string;
  /** The model of its type, if it has one. */
  model?: LlmConfig;
  skills: readonly Skill[];
}

/**
 * The agent that executes a task: a copy of the calling agent with the role and tools of its type. All its
 * cost is counted under the task's usage id.
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
