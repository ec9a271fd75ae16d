import { model } from '../../../../http/validation/dto.js';
import { Field } from '../../../../http/validation/field.js';
import {
  anyObject,
  choice,
  decimal,
  integer,
  listOf,
  nullable,
  recordOf,
  text,
} from '../../../../http/validation/field-type.js';
import { mcpServer } from '../../../../settings/dto/mcp-server.dto.js';
import type { JsonObject } from '../../../../json/index.js';
import { condenser } from './agent.dto.js';
import { HookConfigDto, hookConfig } from './hook-config.dto.js';

const MODES = ['always_confirm', 'never_confirm', 'confirm_risky'];

/** A kind of sub-agent that the agent may give tasks to. */
export class AgentDefinitionDto {
  @Field(text())
  name!: string;

  @Field(text(), 'What the agent is told of it.')
  description = '';

  @Field(text(), "The LLM profile that it works with; `inherit`: the agent's own model.")
  model = 'inherit';

  @Field(nullable(text()))
  color: string | null = null;

  @Field(listOf(text()), 'Names of tools. Those of MCP servers come from the agent.')
  tools: string[] = [];

  @Field(listOf(text()), 'Names of skills: of the agent, of the project or of the user.')
  skills: string[] = [];

  @Field(text(), 'What it is told of its role.')
  system_prompt = '';

  @Field(nullable(text()))
  source: string | null = null;

  @Field(nullable(choice(['project', 'user', 'builtin', 'plugin', 'programmatic'])))
  level: string | null = null;

  @Field(listOf(text()))
  when_to_use_examples: string[] = [];

  @Field(nullable(hookConfig), 'Those that watch tools run for it, besides those of the conversation.')
  hooks: HookConfigDto | null = null;

  @Field(
    nullable(
      text({
        check: (mode) => (MODES.includes(mode) ? undefined : `permission_mode is one of ${MODES.join(', ')}`),
      }),
    ),
    'When it has to ask, which ends its task; null: as the conversation.',
  )
  permission_mode: string | null = null;

  @Field(nullable(integer({ gt: 0 })))
  max_iteration_per_run: number | null = null;

  @Field(nullable(decimal({ gt: 0 })), 'US dollars that one task may cost.')
  max_budget_per_run: number | null = null;

  @Field(nullable(recordOf(mcpServer)), 'MCP servers that it has besides those of the agent.')
  mcp_config: Record<string, JsonObject> | null = null;

  @Field(nullable(text()), 'Kept; profiles are those of the server.')
  profile_store_dir: string | null = null;

  @Field(nullable(condenser))
  condenser: object | null = null;

  @Field(anyObject())
  metadata: JsonObject = {};
}

/** A definition of a sub-agent. */
export const agentDefinition = model(AgentDefinitionDto, { className: 'AgentDefinition' });
