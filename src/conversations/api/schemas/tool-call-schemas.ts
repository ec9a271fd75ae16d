import type { JsonSchema } from '../../../http/index.js';
import { toolDefinitions, type ToolDefinition } from '../../../tools/index.js';
import { list, object, orNull, ref, union, words } from './schema-parts.js';

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const integer: JsonSchema = { type: 'integer' };
const content = list({ anyOf: [ref('TextContent'), ref('ImageContent')] });

/** The action of a tool of an MCP server. */
const MCP_ACTION = object({
  data: {
    type: 'object',
    additionalProperties: true,
    description: 'The arguments for the MCP server.',
  },
  kind: { type: 'string', const: 'MCPToolAction' },
});

const editing = {
  command: words('view', 'create', 'str_replace', 'insert', 'undo_edit'),
  'path?': orNull(text),
  'prev_exist?': flag,
  'old_content?': orNull(text),
  'new_content?': orNull(text),
};
const change = {
  'file_path?': orNull(text),
  'is_new_file?': flag,
  'old_content?': orNull(text),
  'new_content?': orNull(text),
};
const search = { pattern: text, search_path: text, 'truncated?': flag };

/** Fields of observations by kind, in addition to `content`; names that end in `?` are optional. */
const OBSERVATION_FIELDS: Readonly<Record<string, Record<string, JsonSchema>>> = {
  TerminalObservation: {
    command: orNull(text),
    'exit_code?': orNull({ ...integer, description: '-1 while the command runs.' }),
    timeout: flag,
    metadata: ref('CmdOutputMetadata'),
    'full_output_save_dir?': orNull(text),
  },
  FileEditorObservation: editing,
  PlanningFileEditorObservation: editing,
  EditObservation: { ...change, 'replacements_made?': integer },
  WriteFileObservation: change,
  ReadFileObservation: {
    file_path: text,
    'file_content?': text,
    'is_truncated?': flag,
    'lines_shown?': orNull({
      ...list(integer),
      minItems: 2,
      maxItems: 2,
      description: 'The first and the last line, counted from 1.',
    }),
    'total_lines?': orNull(integer),
  },
  ListDirectoryObservation: {
    'dir_path?': orNull(text),
    'entries?': list(ref('FileEntry')),
    'total_count?': integer,
    'is_truncated?': flag,
  },
  GlobObservation: { files: list(text), ...search },
  GrepObservation: { matches: list(text), ...search, 'include_pattern?': orNull(text) },
  ApplyPatchObservation: {
    message: text,
    fuzz: integer,
    'commit?': { type: 'object', additionalProperties: true },
  },
  TaskTrackerObservation: { command: words('view', 'plan'), 'task_list?': list(ref('TaskItem')) },
  TaskObservation: { task_id: text, subagent: text, status: text },
  StartChildConversationObservation: {
    'conversation_id?': orNull(text),
    'parent_conversation_id?': orNull(text),
    'status?': orNull(text),
    'title?': orNull(text),
    'url?': orNull(text),
    'workspace?': orNull(text),
    'isolation?': orNull(words('worktree', 'shared')),
  },
  AskOracleObservation: {},
  ClassifyAndSwitchLLMObservation: {
    'chosen_class?': orNull(text),
    'model?': orNull(text),
    'active_model?': orNull(text),
  },
  SwitchLLMObservation: { profile_name: text, 'reason?': orNull(text), 'active_model?': orNull(text) },
  VisionInspectObservation: {
    image_index: integer,
    question: text,
    'profile_name?': orNull(text),
    'model?': orNull(text),
    'base_url?': orNull(text),
    'answer?': orNull(text),
  },
  BrowserObservation: { 'screenshot_data?': orNull(text), 'full_output_save_dir?': orNull(text) },
  FinishObservation: {},
  ThinkObservation: {},
  InvokeSkillObservation: { skill_name: text },
  MCPToolObservation: { tool_name: text },
  ClientToolObservation: {},
};

/**
 * Schemas of actions and observations: a union by `kind` of each, and a schema for all other kinds. Optional
 * fields are absent in lists and may be null in single reads.
 */
export function toolCallSchemas(): Record<string, JsonSchema> {
  const actions = new Map(toolDefinitions().map((tool) => [tool.actionKind, actionSchema(tool)]));
  actions.set('MCPToolAction', MCP_ACTION);
  const observations = new Map(
    Object.entries(OBSERVATION_FIELDS).map(([kind, fields]) => [kind, observationSchema(kind, fields)]),
  );
  return {
    Action: union([...actions.keys()]),
    ...Object.fromEntries(actions),
    OtherAction: object(
      { kind: noneOf(actions.keys()) },
      {
        additionalProperties: true,
        description:
          'The arguments of a client tool (`ClientAction_<name>`) or of a tool that this server does not have.',
      },
    ),
    Observation: union([...observations.keys()]),
    ...Object.fromEntries(observations),
    OtherObservation: object(
      { content, is_error: flag, kind: noneOf(observations.keys()) },
      { additionalProperties: true, description: 'The result of a tool that this server does not have.' },
    ),
    CmdOutputMetadata: object({
      exit_code: integer,
      pid: integer,
      'username?': orNull(text),
      'hostname?': orNull(text),
      'working_dir?': orNull(text),
      'py_interpreter_path?': orNull(text),
      prefix: text,
      suffix: text,
    }),
    FileEntry: object({
      name: text,
      path: text,
      is_directory: flag,
      size: integer,
      modified_time: { ...text, description: 'Local time of the server without a time zone.' },
    }),
    TaskItem: object({ title: text, 'notes?': text, 'status?': words('todo', 'in_progress', 'done') }),
  };
}

/** Events contain the defaults of arguments; other optional arguments are absent or null. */
function actionSchema({ actionKind, schema }: ToolDefinition): JsonSchema {
  const required = schema.required ?? [];
  const fields = Object.entries(schema.properties).map(([name, field]): [string, JsonSchema] => {
    if (required.includes(name)) return [name, field];
    return [`${name}?`, 'default' in field ? field : orNull(field)];
  });
  return object({ ...Object.fromEntries(fields), kind: { type: 'string', const: actionKind } });
}

function observationSchema(kind: string, fields: Record<string, JsonSchema>): JsonSchema {
  return object({ content, is_error: flag, ...fields, kind: { type: 'string', const: kind } });
}

function noneOf(kinds: Iterable<string>): JsonSchema {
  return { type: 'string', not: { enum: [...kinds] } };
}
