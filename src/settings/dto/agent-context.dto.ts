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
  @Field(
    text({ check: (name) => (name.trim() === '' ? 'Tool name cannot be empty' : undefined) }),
    'Name of the tool, one of those that `GET /api/tools/` lists.',
  )
  name!: string;

  @Field(anyObject(), 'Options of the tool, by name. Which ones it has depends on the tool.')
  params: JsonObject = {};
}

/** A tool as an element of a list. */
export const tool = model(ToolDto, { className: 'Tool' });

/** A skill: always part of the prompt, or added by a trigger. */
class SkillDto {
  @Field(text(), 'Name of the skill, by which the agent, `disabled_skills` and events refer to it.')
  name!: string;

  @Field(text(), 'Text that the agent gets when the skill is activated, in Markdown.')
  content!: string;

  @Field(
    nullable(anyObject()),
    'What activates the skill, by `type`: `keyword` (`keywords`), `task` (`triggers`) or `path` (`paths`). ' +
      'Null: it is always part of the prompt, or listed there if `is_agentskills_format` is set.',
  )
  trigger: JsonObject | null = null;

  @Field(nullable(text()), 'Path of the file that the skill comes from; null if it comes from a request.')
  source: string | null = null;

  @Field(nullable(anyObject()), 'Configuration of MCP servers that the skill brings; null: none.')
  mcp_tools: JsonObject | null = null;

  @Field(
    listOf(anyObject()),
    'Values that the skill asks for when it is activated, each with name and description.',
  )
  inputs: JsonObject[] = [];

  @Field(
    flag(),
    'Whether it is a skill with a `SKILL.md`, which the agent reads with `invoke_skill` when it needs it.',
  )
  is_agentskills_format = false;

  @Field(text(), 'Version of the skill that its author gave it.')
  version = '1.0.0';

  @Field(
    nullable(text()),
    'What the skill is for, in one sentence, by which the agent decides to use it; null: none.',
  )
  description: string | null = null;

  @Field(nullable(text()), 'Name of the licence of the skill; null if unknown.')
  license: string | null = null;

  @Field(nullable(text()), 'What the skill needs in its environment, for people; null: nothing special.')
  compatibility: string | null = null;

  @Field(nullable(recordOf(text())), 'Further properties that the author gave the skill; null: none.')
  metadata: Record<string, string> | null = null;

  @Field(nullable(listOf(text())), 'Names of tools that the skill is meant to use; null: all.')
  allowed_tools: string[] | null = null;

  @Field(
    flag(),
    'The agent does not see the skill in its prompt and cannot invoke it; triggers still activate it.',
  )
  disable_model_invocation = false;

  @Field(
    nullable(anyObject()),
    'Files that belong to the skill, as paths below `skill_root`: `scripts`, `references` and `assets`. ' +
      'Null: none.',
  )
  resources: JsonObject | null = null;
}

/** Skills, secrets and additions to the messages of an agent. */
export class AgentContextDto {
  @Field(
    listOf(model(SkillDto, { className: 'Skill' })),
    'Skills of the request itself, in addition to those that are loaded.',
  )
  skills: SkillDto[] = [];

  @Field(nullable(text()), 'Text that is added to the system prompt; null: none.')
  system_message_suffix: string | null = null;

  @Field(nullable(text()), 'Text that is added to each message of a user; null: none.')
  user_message_suffix: string | null = null;

  @Field(
    flag(),
    "Load the skills in the home folder of the server's user, and installed skills that are enabled.",
  )
  load_user_skills = false;

  @Field(
    flag(),
    'Load the skills of the public repository, as it was last fetched by `POST /api/skills/sync`.',
  )
  load_public_skills = false;

  @Field(
    nullable(text()),
    'File in the public repository that lists which of its skills are loaded; null: ' +
      '`marketplaces/default.json`.',
  )
  marketplace_path: string | null = 'marketplaces/default.json';

  @Field(
    listOf(anyObject()),
    'Marketplaces in which `load_plugin` finds plugins, each with `name` and `source`.',
  )
  registered_marketplaces: JsonObject[] = [];

  @Field(
    flag(),
    'Load the skills and instruction files, such as `AGENTS.md`, of the workspace and its repository.',
  )
  load_project_skills = false;

  @Field(flag(), 'Add the content of the `MEMORY.md` files of the user and the workspace to the prompt.')
  load_memory = false;

  @Field(
    nullable(text()),
    'Stored for other programs; not used. This server reads memory itself if `load_memory` is set.',
    { optional: true },
  )
  memory_context?: string | null;

  @Field(listOf(text()), 'Names of skills that are not loaded, from whichever place.')
  disabled_skills: string[] = [];

  @Field(
    nullable(recordOf(anything())),
    'Values or secret sources, by name; null: none. Commands that contain a name get the value as a variable.',
  )
  secrets: JsonObject | null = null;

  @Field(
    nullable(text()),
    'Date and time that the prompt names, as ISO 8601; absent: the time of the start; null: the time when ' +
      'the prompt is made.',
    { optional: true },
  )
  current_datetime?: string | null;
}

/** A nullable agent context. */
export const agentContext = nullable(model(AgentContextDto, { className: 'AgentContext' }));
