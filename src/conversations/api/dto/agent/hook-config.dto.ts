import {
  model,
  Field,
  NoOtherFields,
  type FieldType,
  choice,
  flag,
  integer,
  listOf,
  nullable,
  text,
} from '../../../../http/index.js';
import { isJsonObject } from '../../../../json/index.js';

/** One hook: a command, or a question to a model. */
class HookDefinitionDto {
  @Field(
    choice(['command', 'prompt', 'agent'], 'enum'),
    '`command`: run a command. `prompt`: let a model decide. `agent`: let a model decide that may use tools ' +
      'first.',
  )
  type = 'command';

  @Field(nullable(text()), 'Name of the hook in events and in the log; null: none.')
  name: string | null = null;

  @Field(
    nullable(text()),
    'Shell command that gets the facts as JSON on standard input; exit code 2 blocks. Required for hooks of ' +
      'type `command`, null for others.',
  )
  command: string | null = null;

  @Field(
    nullable(text()),
    'Policy by which the model decides, for hooks of type `prompt` and `agent`; null: none.',
  )
  prompt: string | null = null;

  @Field(
    nullable(text()),
    'Role that the model is given; null: that of a guard. For hooks of type `prompt` and `agent`.',
  )
  system_prompt: string | null = null;

  @Field(listOf(text()), 'Names of tools that a hook of type `agent` may use.')
  tools: string[] = [];

  @Field(integer(), "Time limit in seconds. A command is killed then; a model's decision counts as allowing.")
  timeout = 60;

  @Field(integer(), 'Maximum number of model calls of a hook of type `agent`.')
  max_iterations = 3;

  @Field(flag(), 'Run the command in the background; it cannot block then.')
  async = false;
}

const definition = model(HookDefinitionDto, {
  before: ({ type = 'command', command }) =>
    type === 'command' && (command === undefined || command === null || command === '')
      ? "'command' is required when type is 'command'"
      : undefined,
});

/** Hooks for the tools (or events) that match a pattern. */
class HookMatcherDto {
  @Field(
    text(),
    'Name of a tool, or a regular expression for it; `*`: all tools, and moments without a tool.',
  )
  matcher = '*';

  @Field(listOf(definition), 'Hooks that run in this order if the matcher fits.')
  hooks: HookDefinitionDto[] = [];
}

const matchers = listOf(model(HookMatcherDto));

/** Hooks by the moment at which they run. */
@NoOtherFields()
export class HookConfigDto {
  @Field(matchers, 'Run before a tool call, and can block it.')
  pre_tool_use: HookMatcherDto[] = [];

  @Field(matchers, 'Run after a tool call, and can add context for the agent.')
  post_tool_use: HookMatcherDto[] = [];

  @Field(matchers, 'Run when a message of a user arrives, and can block it.')
  user_prompt_submit: HookMatcherDto[] = [];

  @Field(matchers, 'Run when a session of the conversation starts.')
  session_start: HookMatcherDto[] = [];

  @Field(matchers, 'Run when a session of the conversation ends.')
  session_end: HookMatcherDto[] = [];

  @Field(matchers, 'Run when the agent wants to stop, and can make it continue.')
  stop: HookMatcherDto[] = [];
}

const base = model(HookConfigDto);

/** A hook configuration. The format of hook files (`{"hooks": {"PreToolUse": [...]}}`) is accepted, too. */
export const hookConfig: FieldType = { ...base, read: (raw) => base.read(fromFileFormat(raw)) };

function fromFileFormat(raw: unknown): unknown {
  if (!isJsonObject(raw)) return raw;
  const inner = isJsonObject(raw['hooks']) && Object.keys(raw).length === 1 ? raw['hooks'] : raw;
  return Object.fromEntries(Object.entries(inner).map(([name, value]) => [snakeCase(name), value]));
}

/** `PreToolUse` becomes `pre_tool_use`; other names are not changed. */
function snakeCase(name: string): string {
  if (!/^[A-Z][A-Za-z]*$/.test(name)) return name;
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
