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
  @Field(text(), 'Name by which the agent selects this sub-agent.')
  name!: string;

  @Field(text(), 'Tells the agent that delegates what this sub-agent is for.')
  description = '';

  @Field(text(), "Name of an LLM profile; `inherit`: the agent's own model.")
  model = 'inherit';

  @Field(
    nullable(text()),
    'Colour in which user interfaces show the sub-agent; null: none. Not used by this server.',
  )
  color: string | null = null;

  @Field(listOf(text()), 'Tool names. Tools of MCP servers are inherited from the agent.')
  tools: string[] = [];

  @Field(listOf(text()), 'Names of skills of the agent, the project or the user.')
  skills: string[] = [];

  @Field(text(), 'Describes the role of the sub-agent in its system prompt.')
  system_prompt = '';

  @Field(
    nullable(text()),
    'Path of the file that the definition comes from; null if it comes from a request.',
  )
  source: string | null = null;

  @Field(
    nullable(choice(['project', 'user', 'builtin', 'plugin', 'programmatic'])),
    'Where the definition comes from, from the project to the program that defined it; null: unknown.',
  )
  level: string | null = null;

  @Field(listOf(text()), 'Examples of tasks for this sub-agent, for the agent that delegates.')
  when_to_use_examples: string[] = [];

  @Field(nullable(hookConfig), 'Tool hooks that run in addition to those of the conversation; null: none.')
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

  @Field(nullable(integer({ gt: 0 })), 'Maximum number of steps of one task; null: that of the conversation.')
  max_iteration_per_run: number | null = null;

  @Field(nullable(decimal({ gt: 0 })), 'Budget of one task in US dollars; null: no limit of its own.')
  max_budget_per_run: number | null = null;

  @Field(nullable(recordOf(mcpServer)), "MCP servers by name, in addition to the agent's; null: none.")
  mcp_config: Record<string, JsonObject> | null = null;

  @Field(nullable(text()), "Stored but not used: profiles come from the server's settings.")
  profile_store_dir: string | null = null;

  @Field(
    nullable(condenser),
    'When and how old events of a task are replaced by summaries; null: not at all.',
  )
  condenser: object | null = null;

  @Field(anyObject(), 'Further properties of the definition. Stored, but not used.')
  metadata: JsonObject = {};
}

/** A definition of a sub-agent. */
export const agentDefinition = model(AgentDefinitionDto, { className: 'AgentDefinition' });
