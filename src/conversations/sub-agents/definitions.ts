import {
  INHERITED_MODEL,
  DEFAULT_MAX_ITERATIONS,
  confirmationPolicyOf,
  mapToolNames,
  type AgentType,
} from '../../agent/index.js';
import { errorMessage } from '../../errors/index.js';
import { readChecked, toPlain, RequestValidationError } from '../../http/index.js';
import { asJsonObject, isJsonObject } from '../../json/index.js';
import { AgentDefinitionDto, agentDefinition } from '../api/dto/agent/agent-definition.dto.js';
import { toCondenser } from '../api/dto/agent/to-condenser.js';

/** Reports an invalid definition, which is otherwise ignored. */
type Warn = (source: string, problem: string) => void;

/**
 * Validates a definition from a request, a plugin or a file.
 * @throws RequestValidationError
 */
export function readDefinition(definition: unknown): AgentDefinitionDto | undefined {
  const dto = readChecked(agentDefinition, withModel(definition), []);
  return dto instanceof AgentDefinitionDto ? dto : undefined;
}

/**
 * Converts definitions from requests, plugins and files. Invalid ones are left out and reported.
 */
export function parseDefinitions(definitions: readonly unknown[], warn: Warn): AgentType[] {
  return definitions.flatMap((definition) => {
    try {
      const dto = readDefinition(definition);
      return dto ? [toAgentType(dto)] : [];
    } catch (error) {
      const { source, name } = asJsonObject(definition);
      warn(String(source ?? name), `not a valid definition of a sub-agent: ${definitionProblem(error)}`);
      return [];
    }
  });
}

function toAgentType(dto: AgentDefinitionDto): AgentType {
  const { name, description, tools, skills, model, system_prompt: prompt, hooks, mcp_config } = dto;
  const plainHooks = hooks && toPlain(hooks);
  return {
    ...{ name, description, skills, prompt },
    tools: mapToolNames(tools),
    profile: ['', 'inherit'].includes(model) ? undefined : model,
    maxIterations: dto.max_iteration_per_run ?? DEFAULT_MAX_ITERATIONS,
    maxBudget: dto.max_budget_per_run ?? undefined,
    confirmationPolicy: confirmationPolicyOf(dto.permission_mode),
    hooks: isJsonObject(plainHooks) ? plainHooks : undefined,
    mcpServers: mcp_config ?? undefined,
    condenser: dto.condenser ? toCondenser(dto.condenser) : undefined,
    isFromProject: dto.level === 'project',
  };
}

/** Condensers in files have no model, because files contain no API keys: they get the agent's model. */
function withModel(definition: unknown): unknown {
  if (!isJsonObject(definition) || !isJsonObject(definition['condenser'])) return definition;
  const { condenser } = definition;
  if (Object.hasOwn(condenser, 'llm')) return definition;
  const { kind = 'LLMSummarizingCondenser' } = condenser;
  const llm = kind === 'LLMSummarizingCondenser' ? { llm: { model: INHERITED_MODEL } } : {};
  return { ...definition, condenser: { ...condenser, kind, ...llm } };
}

/** The first problem of a definition, as a text. */
export function definitionProblem(error: unknown): string {
  if (!(error instanceof RequestValidationError)) return errorMessage(error);
  const [problem] = error.problems;
  return problem ? `${problem.path?.join('.') ?? ''}: ${problem.msg}` : error.message;
}
