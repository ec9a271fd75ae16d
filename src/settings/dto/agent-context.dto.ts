import { model } from '../../http/validation/dto.js';
import { Field } from '../../http/validation/field.js';
import {
  anyObject,
  anything,
  flag,
  listOf,
  nullable,
  recordOf,
  text,
} from '../../http/validation/field-type.js';
import type { JsonObject } from '../../json/index.js';

/** A tool that the agent is given, by name. */
export class ToolDto {
  @Field(text({ check: (name) => (name.trim() === '' ? 'Tool name cannot be empty' : undefined) }))
  name!: string;

  @Field(anyObject(), 'Passed to the tool when it is made.')
  params: JsonObject = {};
}

/** A tool for a list that says `className` in its errors. */
export const tool = model(ToolDto, { className: 'Tool' });

/** Knowledge for the agent: always in the prompt, or brought in by a trigger. */
export class SkillDto {
  @Field(text())
  name!: string;

  @Field(text())
  content!: string;

  @Field(nullable(anyObject()), 'By `type`: keyword, task or path.')
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

/** What the agent knows of its surroundings. */
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

  @Field(flag(), 'Tell the agent what it has written down in MEMORY.md files.')
  load_memory = false;

  @Field(nullable(text()), '', { optional: true })
  memory_context?: string | null;

  @Field(listOf(text()))
  disabled_skills: string[] = [];

  @Field(nullable(recordOf(anything())), 'Texts or secret sources by name.')
  secrets: JsonObject | null = null;

  @Field(nullable(text()), 'Default: now.', { optional: true })
  current_datetime?: string | null;
}

/** An agent context for a field that may be null. */
export const agentContext = nullable(model(AgentContextDto, { className: 'AgentContext' }));
