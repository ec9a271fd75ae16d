import { type DescribedField, type JsonSchema, objectSchema } from '../../../http/index.js';
import { toolDefinitions, type ToolDefinition } from '../../../tools/index.js';
import { list, orNull, ref, union, words } from './schema-parts.js';

type Fields = Readonly<Record<string, DescribedField>>;

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const integer: JsonSchema = { type: 'integer' };
const texts = list(text);
const content: DescribedField = [
  list({ anyOf: [ref('TextContent'), ref('ImageContent')] }),
  'The result as the model reads it.',
];
const isError: DescribedField = [flag, 'Whether the tool failed; `content` says why.'];

/** The action of a tool of an MCP server. */
const MCP_ACTION = objectSchema({
  data: [{ type: 'object', additionalProperties: true }, 'The arguments for the MCP server.'],
  kind: [{ type: 'string', const: 'MCPToolAction' }, 'Marks a call of a tool of an MCP server.'],
});

const OLD_CONTENT = 'Text of the file before the change; null if it did not exist or nothing changed.';
const NEW_CONTENT = 'Text of the file after the change; null if nothing changed.';
const editing: Fields = {
  command: [words('view', 'create', 'str_replace', 'insert', 'undo_edit'), 'What was done.'],
  'path?': [orNull(text), 'Absolute path of the file or folder; null if the call failed.'],
  'prev_exist?': [flag, 'Whether the file existed before.'],
  'old_content?': [orNull(text), OLD_CONTENT],
  'new_content?': [orNull(text), NEW_CONTENT],
};
const change: Fields = {
  'file_path?': [orNull(text), 'Path of the file; null if the call failed.'],
  'is_new_file?': [flag, 'Whether the file did not exist before.'],
  'old_content?': [orNull(text), OLD_CONTENT],
  'new_content?': [orNull(text), NEW_CONTENT],
};
const search: Fields = {
  pattern: [text, 'Pattern that was searched for.'],
  search_path: [text, 'Absolute path of the folder that was searched.'],
  'truncated?': [flag, 'Whether there are more results than these.'],
};
const profile: DescribedField = [
  orNull(text),
  'Name of the LLM profile that was used; null if the call failed.',
];

/** Fields of observations by kind, in addition to `content`; names that end in `?` are optional. */
const OBSERVATION_FIELDS: Readonly<Record<string, Fields>> = {
  TerminalObservation: {
    command: [orNull(text), 'The command or the input that was sent; null: none.'],
    'exit_code?': [orNull(integer), '-1 while the command runs; null or absent if nothing was run.'],
    timeout: [flag, 'Always false: a command whose time is up continues to run, with exit code -1.'],
    metadata: [ref('CmdOutputMetadata'), 'State of the shell after the command.'],
    'full_output_save_dir?': [
      orNull(text),
      'Folder in which long output is stored completely; null or absent without output.',
    ],
  },
  FileEditorObservation: editing,
  PlanningFileEditorObservation: editing,
  EditObservation: { ...change, 'replacements_made?': [integer, 'Number of places that were replaced.'] },
  WriteFileObservation: change,
  ReadFileObservation: {
    file_path: [text, 'Path of the file that was read.'],
    'file_content?': [text, 'The lines that were read, each with its number.'],
    'is_truncated?': [flag, 'Whether the file has more lines than these.'],
    'lines_shown?': [
      orNull({ ...list(integer), minItems: 2, maxItems: 2 }),
      'The first and the last line, counted from 1; null if the whole file is shown.',
    ],
    'total_lines?': [orNull(integer), 'Number of lines of the file; null if unknown.'],
  },
  ListDirectoryObservation: {
    'dir_path?': [orNull(text), 'Path of the folder; null if the call failed.'],
    'entries?': [list(ref('FileEntry')), 'The files and folders in it.'],
    'total_count?': [integer, 'Number of `entries`.'],
    'is_truncated?': [flag, 'Whether there are more than these.'],
  },
  GlobObservation: { files: [texts, 'Absolute paths of the files that match.'], ...search },
  GrepObservation: {
    matches: [texts, 'Absolute paths of the files whose content matches.'],
    ...search,
    'include_pattern?': [orNull(text), 'Pattern of the names of files that were searched; null: all files.'],
  },
  ApplyPatchObservation: {
    message: [text, 'What was changed; empty if the patch failed.'],
    fuzz: [integer, 'How inexactly the places of the patch were found; 0: exactly.'],
    'commit?': [
      { type: 'object', additionalProperties: true },
      'The changes by file; absent if the patch failed.',
    ],
  },
  TaskTrackerObservation: {
    command: [words('view', 'plan'), 'Whether the list was only shown, or replaced.'],
    'task_list?': [list(ref('TaskItem')), 'The list of tasks after the call.'],
  },
  TaskObservation: {
    task_id: [text, 'Id of the task, with which it can be resumed.'],
    subagent: [text, 'Name of the sub-agent.'],
    status: [text, '`completed`, or `error` if the sub-agent failed.'],
  },
  StartChildConversationObservation: {
    'conversation_id?': [orNull(text), 'Id of the child; null if the call failed.'],
    'parent_conversation_id?': [orNull(text), 'Id of this conversation; null if the call failed.'],
    'status?': [orNull(text), 'Execution status of the child; null if the call failed.'],
    'title?': [orNull(text), 'Title of the child; null: none yet.'],
    'url?': [orNull(text), 'Address of the child in a user interface; null: none.'],
    'workspace?': [orNull(text), 'Folder in which the child works; null if the call failed.'],
    'isolation?': [
      orNull(words('worktree', 'shared')),
      'Whether the child works in a git worktree or in the workspace; null if the call failed.',
    ],
  },
  AskOracleObservation: {},
  ClassifyAndSwitchLLMObservation: {
    'chosen_class?': [orNull(text), 'Class of the task that the classifier chose; null without classes.'],
    'model?': profile,
    'active_model?': [orNull(text), 'Model that the agent uses now; null if the call failed.'],
  },
  SwitchLLMObservation: {
    profile_name: [text, 'Name of the LLM profile that was asked for.'],
    'reason?': [orNull(text), 'Why the agent switches; null if it does not say.'],
    'active_model?': [orNull(text), 'Model that the agent uses now; null if the call failed.'],
  },
  VisionInspectObservation: {
    image_index: [integer, 'Number of the image in the conversation.'],
    question: [text, 'Question about the image.'],
    'profile_name?': profile,
    'model?': [orNull(text), 'Model that answered; null if the call failed.'],
    'base_url?': [orNull(text), "URL of that model in place of the provider's; null: none."],
    'answer?': [orNull(text), 'Answer of the model; null if the call failed.'],
  },
  BrowserObservation: {
    'screenshot_data?': [orNull(text), 'Picture of the page, encoded in base64; null: none was taken.'],
    'full_output_save_dir?': [orNull(text), 'Folder in which long output is stored completely; null: none.'],
  },
  FinishObservation: {},
  ThinkObservation: {},
  InvokeSkillObservation: { skill_name: [text, 'Name of the skill that was read.'] },
  MCPToolObservation: { tool_name: [text, 'Name of the tool at its MCP server.'] },
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
    OtherAction: {
      ...objectSchema({ kind: [noneOf(actions.keys()), 'Class of the action, none of those in `Action`.'] }),
      additionalProperties: true,
      description:
        'The arguments of a client tool (`ClientAction_<name>`) or of a tool that this server does not have.',
    },
    Observation: union([...observations.keys()]),
    ...Object.fromEntries(observations),
    OtherObservation: {
      ...objectSchema({
        content,
        is_error: isError,
        kind: [noneOf(observations.keys()), 'Class of the observation, none of those in `Observation`.'],
      }),
      additionalProperties: true,
      description: 'The result of a tool that this server does not have.',
    },
    CmdOutputMetadata: objectSchema({
      exit_code: [integer, 'Exit code of the command; -1 while it runs.'],
      pid: [integer, 'Id of the last process that was started in the background; -1 if there is none.'],
      'username?': [orNull(text), 'User that runs the shell; null while the command runs.'],
      'hostname?': [orNull(text), 'Name of the machine; null while the command runs.'],
      'working_dir?': [orNull(text), 'Working directory of the shell; null while the command runs.'],
      'py_interpreter_path?': [orNull(text), 'Path of its Python interpreter; null if it has none.'],
      prefix: [text, 'Text that the model reads before the output.'],
      suffix: [text, 'Text that the model reads after the output.'],
    }),
    FileEntry: objectSchema({
      name: [text, 'Name of the file or folder.'],
      path: [text, 'Absolute path of the file or folder.'],
      is_directory: [flag, 'Whether it is a folder.'],
      size: [integer, 'Size in bytes; 0 for folders.'],
      modified_time: [text, 'Local time of the server without a time zone.'],
    }),
    TaskItem: objectSchema({
      title: [text, 'What is to be done.'],
      'notes?': [text, 'Notes of the agent about the task; empty if there are none.'],
      'status?': [words('todo', 'in_progress', 'done'), 'How far the task is.'],
    }),
  };
}

/** Events contain the defaults of arguments; other optional arguments are absent or null. */
function actionSchema({ actionKind, name: tool, schema }: ToolDefinition): JsonSchema {
  const required = schema.required ?? [];
  const fields = Object.entries(schema.properties).map(([name, field]): [string, DescribedField] => {
    const { description, ...type } = field;
    // The description is the one that the model reads.
    const about = typeof description === 'string' ? description : `Argument of the tool \`${tool}\`.`;
    if (required.includes(name)) return [name, [type, about]];
    return [`${name}?`, ['default' in field ? type : orNull(type), about]];
  });
  return objectSchema({
    ...Object.fromEntries(fields),
    kind: [{ type: 'string', const: actionKind }, `Marks a call of the tool \`${tool}\`.`],
  });
}

function observationSchema(kind: string, fields: Fields): JsonSchema {
  return objectSchema({
    content,
    is_error: isError,
    ...fields,
    kind: [{ type: 'string', const: kind }, 'Marks the result of a tool of this class.'],
  });
}

function noneOf(kinds: Iterable<string>): JsonSchema {
  return { type: 'string', not: { enum: [...kinds] } };
}
