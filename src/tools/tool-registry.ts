import { Injectable } from '@nestjs/common';
import type { Content, Observation } from '../events/index.js';
import { pythonRepr } from '../text/index.js';
import { applyPatchDefinition } from './apply-patch/apply-patch-tool.js';
import { browserToolSet } from './browser/browser-tool-set.js';
import { startChildDefinition } from './child-conversation/start-child-tool.js';
import { clientToolDefinition, type ClientToolSpec } from './client/client-tool.js';
import { fileEditorDefinition } from './file-editor/file-editor-tool.js';
import { planningFileEditorDefinition } from './file-editor/planning-editor-tool.js';
import { finishDefinition } from './finish/finish-tool.js';
import { invokeSkillDefinition } from './invoke-skill/invoke-skill-tool.js';
import { askOracleDefinition } from './models/ask-oracle-tool.js';
import { inspectImageDefinition } from './models/inspect-image-tool.js';
import { routeTaskDefinition } from './models/route-task-tool.js';
import { switchLlmDefinition } from './models/switch-llm-tool.js';
import { editDefinition } from './gemini-files/edit-tool.js';
import { listDirectoryDefinition } from './gemini-files/list-directory-tool.js';
import { readFileDefinition } from './gemini-files/read-file-tool.js';
import { writeFileDefinition } from './gemini-files/write-file-tool.js';
import { globDefinition } from './search/glob-tool.js';
import { grepDefinition } from './search/grep-tool.js';
import { taskDefinition } from './task/task-tool.js';
import { taskTrackerDefinition } from './task-tracker/task-tracker-tool.js';
import { terminalDefinition } from './terminal/terminal-tool.js';
import { thinkDefinition } from './think/think-tool.js';
import { ResponseSchema } from './structured/response-schema.js';
import { ResponseSchemaError } from './structured/schema-error.js';
import type { Tool, ToolDefinition } from './tool.js';
import type { ToolHost } from './tool-host.js';

/** A tool as an agent's configuration names it. */
export interface RequestedTool {
  name: string;
  params?: Record<string, unknown>;
}

/** The parameter of any tool that names the fields which a client wants with each call. */
const RESPONSE_SCHEMA = 'response_schema';

/** Tools that a configuration names one by one, in the order in which the API lists them. */
const CONFIGURABLE: readonly ToolDefinition[] = [
  terminalDefinition,
  fileEditorDefinition,
  taskTrackerDefinition,
  globDefinition,
  grepDefinition,
  planningFileEditorDefinition,
  editDefinition,
  writeFileDefinition,
  readFileDefinition,
  listDirectoryDefinition,
  applyPatchDefinition,
  taskDefinition,
  askOracleDefinition,
  startChildDefinition,
  routeTaskDefinition,
];

/** Tools that a configuration enables together, by the name of the set. */
const SETS: Readonly<Record<string, readonly ToolDefinition[]>> = { browser_tool_set: browserToolSet };

/** The built-in tool that configurations may also name like the others. */
const ROUTING_TOOL = 'ClassifyAndSwitchLLMTool';

/** Names in configurations that differ from the name that the model calls. */
const CONFIGURED_NAMES: Readonly<Record<string, string>> = {
  task: 'task_tool_set',
  route_task_to_model: ROUTING_TOOL,
};

/**
 * The Python modules of the original's tools. Clients in Python import them, and cannot open a conversation
 * with a module that they do not have: a tool that only this server has must not be listed.
 */
const PYTHON_MODULES: ReadonlyMap<string, string> = new Map([
  ['terminal', 'openhands.tools.terminal.definition'],
  ['file_editor', 'openhands.tools.file_editor.definition'],
  ['task_tracker', 'openhands.tools.task_tracker.definition'],
  ['glob', 'openhands.tools.glob.definition'],
  ['grep', 'openhands.tools.grep.definition'],
  ['planning_file_editor', 'openhands.tools.planning_file_editor.definition'],
  ['edit', 'openhands.tools.gemini.edit.definition'],
  ['write_file', 'openhands.tools.gemini.write_file.definition'],
  ['read_file', 'openhands.tools.gemini.read_file.definition'],
  ['list_directory', 'openhands.tools.gemini.list_directory.definition'],
  ['apply_patch', 'openhands.tools.apply_patch.definition'],
  ['task_tool_set', 'openhands.tools.task.definition'],
  ['ask_oracle', 'openhands.tools.ask_oracle.definition'],
  ['start_child_conversation', 'openhands.tools.child_conversation.definition'],
  [ROUTING_TOOL, 'openhands.sdk.tool.builtins.classify_and_switch_llm'],
  ['browser_tool_set', 'openhands.tools.browser_use.definition'],
]);

/** Tools that `include_default_tools` names by their class. */
const BUILT_IN: readonly ToolDefinition[] = [
  finishDefinition,
  thinkDefinition,
  invokeSkillDefinition,
  switchLlmDefinition,
  routeTaskDefinition,
  inspectImageDefinition,
];

const DEFINITIONS = [...CONFIGURABLE, ...Object.values(SETS).flat(), ...BUILT_IN];

/** All tools of this server, without those of clients and MCP servers. */
export function toolDefinitions(): readonly ToolDefinition[] {
  return DEFINITIONS;
}

/** A configuration names a tool that this server does not have. */
export class UnknownToolError extends Error {
  override readonly name = 'UnknownToolError';

  constructor(
    readonly toolName: string,
    readonly available: readonly string[],
  ) {
    super(`ToolDefinition '${toolName}' is not registered. Available: ${pythonRepr(available)}`);
  }
}

/** Two tools of a conversation have the same name, so the model could not tell them apart. */
export class DuplicateToolError extends Error {
  override readonly name = 'DuplicateToolError';

  constructor(readonly toolNames: readonly string[]) {
    super(`Duplicate tool names found: {${toolNames.map(pythonRepr).join(', ')}}`);
  }
}

/** The parameters of a configured tool cannot be used. The message says why. */
export class ToolParamsError extends Error {
  override readonly name = 'ToolParamsError';

  constructor(
    /** The position of the tool in the configuration. */
    readonly index: number,
    readonly params: readonly string[],
    message: string,
  ) {
    super(message);
  }
}

/**
 * The built-in tool that a configuration names by its name or its class; undefined for all other tools.
 */
export function builtInTool(name: string): ToolDefinition | undefined {
  return BUILT_IN.find((definition) => definition.kind === name || definition.name === name);
}

/** Finds this server's tools by name and creates the instances of a conversation. */
@Injectable()
export class ToolRegistry {
  private readonly configurable = new Map([
    ...CONFIGURABLE.map(
      (definition) => [CONFIGURED_NAMES[definition.name] ?? definition.name, [definition]] as const,
    ),
    ...Object.entries(SETS),
  ]);
  private readonly builtIn = new Map(BUILT_IN.map((definition) => [definition.kind, [definition]]));
  private readonly byObservation = new Map(
    DEFINITIONS.map((definition) => [definition.observationKind, definition]),
  );

  /** The names that a configuration can use. */
  available(): string[] {
    return [...this.configurable.keys()];
  }

  /**
   * Creates the tools of a conversation: the configured ones in their order, those of the client, then the
   * built-in ones. Instances start nothing before their first call.
   * @throws UnknownToolError, DuplicateToolError, ToolParamsError
   */
  createTools(
    requested: readonly RequestedTool[],
    includeDefault: readonly string[],
    host: ToolHost,
    clientTools: readonly ClientToolSpec[] = [],
  ): Map<string, Tool> {
    const selected = this.select(requested, includeDefault, clientTools);
    return new Map(
      selected.map(({ definition, params, response }) => [
        definition.name,
        withResponse(definition.create(host, params), response),
      ]),
    );
  }

  /**
   * Checks a configuration without creating anything.
   * @throws UnknownToolError, DuplicateToolError, ToolParamsError
   */
  assertKnown(requested: readonly RequestedTool[], includeDefault: readonly string[]): void {
    this.select(requested, includeDefault);
  }

  /** Whether a tool is built in. Tool filters do not apply to those. */
  isBuiltIn({ kind }: ToolDefinition): boolean {
    return this.builtIn.has(kind);
  }

  /** Whether the server has a tool of this name, in a configuration or for the model. */
  has(name: string): boolean {
    if (this.configurable.has(name)) return true;
    return DEFINITIONS.some((definition) => definition.name === name);
  }

  /** Renders a stored observation for the model; the content unchanged if its tool is unknown. */
  renderObservation(observation: Observation): Content[] {
    const definition = this.byObservation.get(observation.kind);
    return definition?.render?.(observation) ?? observation.content;
  }

  /** The module of a tool by its name in configurations; undefined if the original does not have the tool. */
  pythonModule(name: string): string | undefined {
    return PYTHON_MODULES.get(name);
  }

  /** @throws UnknownToolError, ToolParamsError */
  private configured({ name, params = {} }: RequestedTool, index: number): SelectedTool[] {
    const builtIn = this.configurable.has(name) ? undefined : builtInTool(name);
    const definitions = builtIn ? [builtIn] : find(this.configurable, name);
    const { [RESPONSE_SCHEMA]: source, ...own } = params;
    const [unusable] = builtIn ? Object.keys(own) : [];
    if (builtIn && unusable !== undefined)
      throw new ToolParamsError(index, [unusable], `${builtIn.kind} doesn't accept parameters`);
    if (source === undefined || source === null)
      return definitions.map((definition) => ({ definition, params: own }));
    try {
      const response = responseOf(source, definitions);
      return definitions.map((definition) => ({ definition, params: own, response }));
    } catch (error) {
      if (!(error instanceof ResponseSchemaError)) throw error;
      throw new ToolParamsError(index, [RESPONSE_SCHEMA], error.message);
    }
  }

  private select(
    requested: readonly RequestedTool[],
    includeDefault: readonly string[],
    clientTools: readonly ClientToolSpec[] = [],
  ): SelectedTool[] {
    const selected = [
      ...requested.flatMap((tool, index) => this.configured(tool, index)),
      ...clientTools.map((spec) => ({ definition: clientToolDefinition(spec), params: {} })),
      ...includeDefault.flatMap((kind) =>
        find(this.builtIn, kind).map((definition) => ({ definition, params: {} })),
      ),
    ];
    assertUnique(selected.map(({ definition }) => definition.name));
    return selected;
  }
}

interface SelectedTool {
  definition: ToolDefinition;
  params: Record<string, unknown>;
  response?: ResponseSchema;
}

/**
 * The fields that a client wants with each call of a tool.
 * @param tools what the name in the configuration stands for
 * @throws ResponseSchemaError
 */
function responseOf(source: unknown, tools: readonly ToolDefinition[]): ResponseSchema {
  const [definition, ...others] = tools;
  if (!definition || others.length > 0)
    throw new ResponseSchemaError('response_schema requires a spec that resolves to exactly one tool');
  const response = new ResponseSchema(source);
  response.assertApartFrom(Object.keys(definition.schema.properties), definition.actionKind);
  return response;
}

function withResponse(tool: Tool, response: ResponseSchema | undefined): Tool {
  if (!response) return tool;
  return {
    definition: { ...tool.definition, response },
    prepare: (args) => tool.prepare(args),
    close: () => tool.close(),
  };
}

function find(
  known: ReadonlyMap<string, readonly ToolDefinition[]>,
  name: string,
): readonly ToolDefinition[] {
  const definitions = known.get(name);
  if (!definitions) throw new UnknownToolError(name, [...known.keys()]);
  return definitions;
}

function assertUnique(names: readonly string[]): void {
  const duplicates = names.filter((name, index) => names.indexOf(name) !== index);
  if (duplicates.length > 0) throw new DuplicateToolError([...new Set(duplicates)]);
}
