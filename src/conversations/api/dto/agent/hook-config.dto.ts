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
  @Field(choice(['command', 'prompt', 'agent'], 'enum'))
  type = 'command';

  @Field(nullable(text()))
  name: string | null = null;

  @Field(nullable(text()), 'Required for hooks of type `command`.')
  command: string | null = null;

  @Field(nullable(text()))
  prompt: string | null = null;

  @Field(nullable(text()))
  system_prompt: string | null = null;

  @Field(listOf(text()))
  tools: string[] = [];

  @Field(integer(), 'Seconds.')
  timeout = 60;

  @Field(integer())
  max_iterations = 3;

  @Field(flag())
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
  @Field(text())
  matcher = '*';

  @Field(listOf(definition))
  hooks: HookDefinitionDto[] = [];
}

const matchers = listOf(model(HookMatcherDto));

/** Hooks by the moment at which they run. */
@NoOtherFields()
export class HookConfigDto {
  @Field(matchers)
  pre_tool_use: HookMatcherDto[] = [];

  @Field(matchers)
  post_tool_use: HookMatcherDto[] = [];

  @Field(matchers)
  user_prompt_submit: HookMatcherDto[] = [];

  @Field(matchers)
  session_start: HookMatcherDto[] = [];

  @Field(matchers)
  session_end: HookMatcherDto[] = [];

  @Field(matchers)
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
