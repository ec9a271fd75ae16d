import {
  model,
  Field,
  anyObject,
  choice,
  decimal,
  integer,
  listOf,
  nullable,
  recordOf,
  text,
} from '../../../../http/index.js';
import { mcpServer } from '../../../../settings/index.js';
import type { JsonObject } from '../../../../json/index.js';
import { condenser } from './agent.dto.js';
import { HookConfigDto, hookConfig } from './hook-config.dto.js';

const PERMISSION_MODES = ['always_confirm', 'never_confirm', 'confirm_risky'];

/** A sub-agent that the agent can delegate tasks to. */
export class AgentDefinitionDto {
  @Field(text())
  name!: string;

  @Field(text(), 'Shown to the agent that delegates.')
  description = '';

  @Field(text(), "An LLM profile; `inherit`: the agent's own model.")
  model = 'inherit';

  @Field(nullable(text()))
  color: string | null = null;

  @Field(listOf(text()), 'Tool names. Tools of MCP servers are inherited from the agent.')
  tools: string[] = [];

  @Field(listOf(text()), 'Names of skills of the agent, the project or the user.')
  skills: string[] = [];

  @Field(text(), 'Describes its role.')
  system_prompt = '';

  @Field(nullable(text()))
  source: string | null = null;

  @Field(nullable(choice(['project', 'user', 'builtin', 'plugin', 'programmatic'])))
  level: string | null = null;

  @Field(listOf(text()))
  when_to_use_examples: string[] = [];

  @Field(nullable(hookConfig), 'Tool hooks that run in addition to those of the conversation.')
  hooks: HookConfigDto | null = null;

  @Field(
    nullable(
      text({
        check: (mode) =>
          PERMISSION_MODES.includes(mode)
            ? undefined
            : `permission_mode is one of ${PERMISSION_MODES.join(', ')}`,
      }),
    ),
    "When it must ask for confirmation, which ends its task; null: the conversation's policy.",
  )
  permission_mode: string | null = null;

  @Field(nullable(integer({ gt: 0 })))
  max_iteration_per_run: number | null = null;

  @Field(nullable(decimal({ gt: 0 })), 'Budget of one task in US dollars.')
  max_budget_per_run: number | null = null;

  @Field(nullable(recordOf(mcpServer)), "MCP servers in addition to the agent's.")
  mcp_config: Record<string, JsonObject> | null = null;

  @Field(nullable(text()), "Stored but not used: profiles come from the server's settings.")
  profile_store_dir: string | null = null;

  @Field(nullable(condenser))
  condenser: object | null = null;

  @Field(anyObject())
  metadata: JsonObject = {};
}

/** A definition of a sub-agent. */
export const agentDefinition = model(AgentDefinitionDto, { className: 'AgentDefinition' });
