import type { LlmConfig } from '../../llm/llm-config.js';
import type { AgentSpec } from '../agent-spec.js';
import { DEFAULT_PROMPT } from '../prompt/prompt-files.js';
import { skillsOf } from '../skills/index.js';
import type { AgentType } from './agent-type.js';

/** Events in the view of a sub-agent from which on it is condensed, and those at its start that stay: the original's. */
const MAX_EVENTS = 80;
const KEEP_FIRST = 4;

/**
 * The agent that does a task: like the one that calls it, with the role and tools of its type. All that its models cost is
 * counted in the bucket of the task.
 * @param model the one of its own that its type asks for
 */
export function subAgentSpec(
  caller: AgentSpec,
  type: AgentType,
  taskId: string,
  model?: LlmConfig,
): AgentSpec {
  const llm: LlmConfig = { ...(model ?? caller.llm), stream: false, usage_id: `task:${taskId}` };
  const skills = skillsOf(caller).filter(({ name }) => type.skills.includes(name));
  return {
    ...caller,
    llm,
    tools: type.tools.map((name) => ({ name, params: {} })),
    include_default_tools: ['FinishTool', 'ThinkTool'],
    agent_context: { ...(skills.length > 0 ? { skills } : {}), system_message_suffix: type.prompt },
    system_prompt: null,
    system_prompt_filename: DEFAULT_PROMPT,
    persona: null,
    condenser: {
      llm,
      max_size: MAX_EVENTS,
      max_tokens: null,
      keep_first: KEEP_FIRST,
      minimum_progress: 0.1,
      hard_context_reset_max_retries: 5,
      hard_context_reset_context_scaling: 0.8,
      kind: 'LLMSummarizingCondenser',
    },
    critic: null,
    tool_concurrency_limit: 1,
  };
}
