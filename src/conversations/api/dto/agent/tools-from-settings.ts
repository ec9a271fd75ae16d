import type { ToolSpec } from '../../../../agent/index.js';
import { builtInTool } from '../../../../tools/index.js';

/** Tools of agent settings without `tools`. */
const DEFAULT_TOOLS = ['terminal', 'file_editor', 'task_tracker', 'browser_tool_set', 'switch_llm'];
/** Built-in tools that every agent from settings has. */
const BUILT_IN = ['FinishTool', 'ThinkTool'];

/** The tools of an agent, in the two fields in which an agent has them. */
interface AgentTools {
  tools: ToolSpec[];
  include_default_tools: string[];
}

/**
 * The tools that settings name, each once: of several entries the first with options counts. Built-in tools
 * without options go to `include_default_tools`, those with options are named by their class.
 */
export function toolsFromSettings(named: readonly ToolSpec[] | null): AgentTools {
  const given = named ?? defaultTools();
  const result: AgentTools = { tools: [], include_default_tools: [...BUILT_IN] };
  for (const { name, params } of withoutRepetitions(given)) {
    const kind = builtInTool(name)?.kind;
    const isIncluded = kind !== undefined && result.include_default_tools.includes(kind);
    if (kind === undefined) {
      result.tools.push({ name, params });
    } else if (Object.keys(params).length > 0) {
      result.tools.push({ name: kind, params });
      result.include_default_tools = result.include_default_tools.filter((included) => included !== kind);
    } else if (!isIncluded) {
      result.include_default_tools.push(kind);
    }
  }
  return result;
}

/** The tools of settings that name none. */
export function defaultTools(): ToolSpec[] {
  return DEFAULT_TOOLS.map((name) => ({ name, params: {} }));
}

function withoutRepetitions(given: readonly ToolSpec[]): ToolSpec[] {
  const kept = new Map<string, ToolSpec>();
  for (const tool of given) {
    const name = builtInTool(tool.name)?.name ?? tool.name;
    const earlier = kept.get(name);
    const isBetter = Object.keys(tool.params).length > 0 && Object.keys(earlier?.params ?? {}).length === 0;
    if (!earlier || isBetter) kept.set(name, tool);
  }
  return [...kept.values()];
}
