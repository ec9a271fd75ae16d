import { Injectable } from '@nestjs/common';
import type { Content, Observation } from '../events/index.js';
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
import { editDefinition } from './plain-files/edit-tool.js';
import { listDirectoryDefinition } from './plain-files/list-directory-tool.js';
import { readFileDefinition } from './plain-files/read-file-tool.js';
import { writeFileDefinition } from './plain-files/write-file-tool.js';
import { globDefinition } from './search/glob-tool.js';
import { grepDefinition } from './search/grep-tool.js';
import { taskDefinition } from './task/task-tool.js';
import { taskTrackerDefinition } from './task-tracker/task-tracker-tool.js';
import { terminalDefinition } from './terminal/terminal-tool.js';
import { thinkDefinition } from './think/think-tool.js';
import type { Tool, ToolDefinition, ToolHost } from './tool.js';
import { DuplicateToolError, UnknownToolError } from './tool-errors.js';

/** A tool as the configuration of an agent names it. */
export interface RequestedTool {
  name: string;
  params?: Record<string, unknown>;
}

/** Tools that a configuration names one by one, in the order in which they are listed. */
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

/** Tools that come together, by the one name that a configuration has for them. */
const SETS: Readonly<Record<string, readonly ToolDefinition[]>> = { browser_tool_set: browserToolSet };

/** The one built-in tool that configurations may name like the others. */
const ROUTING_TOOL = 'ClassifyAndSwitchLLMTool';

/** Names that a configuration has for a tool where the model knows another one. */
const CONFIGURED_NAMES: Readonly<Record<string, string>> = {
  task: 'task_tool_set',
  route_task_to_model: ROUTING_TOOL,
};

/** Modules of the original that are not named after their tool. */
const MODULES: Readonly<Record<string, string>> = {
  edit: 'gemini.edit',
  write_file: 'gemini.write_file',
  read_file: 'gemini.read_file',
  list_directory: 'gemini.list_directory',
  task_tool_set: 'task',
  browser_tool_set: 'browser_use',
  start_child_conversation: 'child_conversation',
};

/** Tools that come by their class name in `include_default_tools`. */
const BUILT_IN: readonly ToolDefinition[] = [
  finishDefinition,
  thinkDefinition,
  invokeSkillDefinition,
  switchLlmDefinition,
  routeTaskDefinition,
  inspectImageDefinition,
];

const DEFINITIONS = [...CONFIGURABLE, ...Object.values(SETS).flat(), ...BUILT_IN];

/** The tools of this server, those of clients and MCP servers aside. */
export function toolDefinitions(): readonly ToolDefinition[] {
  return DEFINITIONS;
}

/** Knows every tool of this server and makes the instances of a conversation. */
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

  /** The names that a configuration can ask for. */
  available(): string[] {
    return [...this.configurable.keys()];
  }

  /**
   * Makes the tools of one conversation: the configured ones in their order, those of the client, then the
   * built-in ones by class name. Instances start nothing before they are used.
   * @throws UnknownToolError when a name is not known
   * @throws DuplicateToolError when a name comes twice
   */
  createTools(
    requested: readonly RequestedTool[],
    includeDefault: readonly string[],
    host: ToolHost,
    ofClient: readonly ClientToolSpec[] = [],
  ): Map<string, Tool> {
    const wanted = this.select(requested, includeDefault, ofClient);
    return new Map(
      wanted.map(({ definition, params }) => [definition.name, definition.create(host, params)]),
    );
  }

  /**
   * Checks a configuration without making anything.
   * @throws UnknownToolError when a name is not known
   * @throws DuplicateToolError when a name comes twice
   */
  assertKnown(requested: readonly RequestedTool[], includeDefault: readonly string[]): void {
    this.select(requested, includeDefault);
  }

  /** Whether a tool comes by its class name: no filter takes those away. */
  isBuiltIn({ kind }: ToolDefinition): boolean {
    return this.builtIn.has(kind);
  }

  /** Whether the server has a tool of this name, built in or not. */
  has(name: string): boolean {
    if (this.configurable.has(name)) return true;
    return DEFINITIONS.some((definition) => definition.name === name);
  }

  /** How a stored observation reads for the model; one of a tool that is not known reads as it is. */
  renderObservation(observation: Observation): Content[] {
    const definition = this.byObservation.get(observation.kind);
    return definition?.render?.(observation) ?? observation.content;
  }

  /**
   * Where the original defines a tool, which clients send and expect back; undefined for one we do not have.
   */
  qualifiedName(name: string): string | undefined {
    if (name === ROUTING_TOOL) return 'openhands.sdk.tool.builtins.classify_and_switch_llm';
    return this.configurable.has(name) ? `openhands.tools.${MODULES[name] ?? name}.definition` : undefined;
  }

  private select(
    requested: readonly RequestedTool[],
    includeDefault: readonly string[],
    ofClient: readonly ClientToolSpec[] = [],
  ): SelectedTool[] {
    const wanted = [
      ...requested.flatMap(({ name, params }) =>
        find(this.configurable, name).map((definition) => ({ definition, params: params ?? {} })),
      ),
      ...ofClient.map((spec) => ({ definition: clientToolDefinition(spec), params: {} })),
      ...includeDefault.flatMap((kind) =>
        find(this.builtIn, kind).map((definition) => ({ definition, params: {} })),
      ),
    ];
    refuseDuplicates(wanted.map(({ definition }) => definition.name));
    return wanted;
  }
}

interface SelectedTool {
  definition: ToolDefinition;
  params: Record<string, unknown>;
}

function find(
  known: ReadonlyMap<string, readonly ToolDefinition[]>,
  name: string,
): readonly ToolDefinition[] {
  const definitions = known.get(name);
  if (!definitions) throw new UnknownToolError(name, [...known.keys()]);
  return definitions;
}

function refuseDuplicates(names: readonly string[]): void {
  const doubled = names.filter((name, index) => names.indexOf(name) !== index);
  if (doubled.length > 0) throw new DuplicateToolError([...new Set(doubled)]);
}
