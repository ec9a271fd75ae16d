import {
  model,
  Field,
  anyObject,
  anything,
  flag,
  listOf,
  nullable,
  recordOf,
  text,
} from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';

/** A tool of an agent, by name. */
export class ToolDto {
  @Field(text({ check: (name) => (name.trim() === '' ? 'Tool name cannot be empty' : undefined) }))
  name!: string;

  @Field(anyObject(), 'Passed to the tool when it is created.')
  params: JsonObject = {};
}

/** A tool as an element of a list. */
export const tool = model(ToolDto, { className: 'Tool' });

/** A skill: always part of the prompt, or added by a trigger. */
class SkillDto {
  @Field(text())
  name!: string;

  @Field(text())
  content!: string;

  @Field(nullable(anyObject()), 'One of the types keyword, task and path.')
  trigger: JsonObject | null = null;

  @Field(nullable(text()))
  source: string | null = null;

  @Field(nullable(anyObject()))
  mcp_tools: JsonObject | null = null;

  @Field(listOf(anyObject()))
  inputs: JsonObject[] = [];

  @Field(flag())
  is_agentskills_format = false;

  @Field(text())
  version = '1.0.0';

  @Field(nullable(text()))
  description: string | null = null;

  @Field(nullable(text()))
  license: string | null = null;

  @Field(nullable(text()))
  compatibility: string | null = null;

  @Field(nullable(recordOf(text())))
  metadata: Record<string, string> | null = null;

  @Field(nullable(listOf(text())))
  allowed_tools: string[] | null = null;

  @Field(flag())
  disable_model_invocation = false;

  @Field(nullable(anyObject()))
  resources: JsonObject | null = null;
}

/** Skills, secrets and additions to the messages of an agent. */
export class AgentContextDto {
  @Field(listOf(model(SkillDto, { className: 'Skill' })))
  skills: SkillDto[] = [];

  @Field(nullable(text()))
  system_message_suffix: string | null = null;

  @Field(nullable(text()))
  user_message_suffix: string | null = null;

  @Field(flag())
  load_user_skills = false;

  @Field(flag())
  load_public_skills = false;

  @Field(nullable(text()))
  marketplace_path: string | null = 'marketplaces/default.json';

  @Field(listOf(anyObject()))
  registered_marketplaces: JsonObject[] = [];

  @Field(flag())
  load_project_skills = false;

  @Field(flag(), 'Add the content of MEMORY.md files to the prompt.')
  load_memory = false;

  @Field(nullable(text()), '', { optional: true })
  memory_context?: string | null;

  @Field(listOf(text()))
  disabled_skills: string[] = [];

  @Field(nullable(recordOf(anything())), 'Values or secret sources, by name.')
  secrets: JsonObject | null = null;

  @Field(nullable(text()), 'Defaults to the current time.', { optional: true })
  current_datetime?: string | null;
}

/** A nullable agent context. */
export const agentContext = nullable(model(AgentContextDto, { className: 'AgentContext' }));
