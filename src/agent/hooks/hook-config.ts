import type { HookEventType } from '../../events/index.js';
import { matchingNames } from '../../text/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';

/** One thing that a hook does. Defaults are filled in. */
export interface HookDefinition {
  type: 'command' | 'prompt' | 'agent';
  name: string | null;
  command: string;
  prompt: string | null;
  system_prompt: string | null;
  /** Names of tools that a hook of type agent may use. */
  tools: string[];
  /** Seconds. */
  timeout: number;
  /** Answers of the model that a hook of type agent may take. */
  max_iterations: number;
  /** Nobody waits for it, and it cannot block. */
  async: boolean;
}

/** How long all patterns of a configuration together may look at a name (ms). */
const MATCHING_MS = 100;

/** The key of an event type in a configuration. */
const KEYS: Readonly<Record<HookEventType, string>> = {
  PreToolUse: 'pre_tool_use',
  PostToolUse: 'post_tool_use',
  UserPromptSubmit: 'user_prompt_submit',
  SessionStart: 'session_start',
  SessionEnd: 'session_end',
  Stop: 'stop',
};

/**
 * The hooks for an event, in the order of the configuration. It comes from requests, plugins and disk: what
 * it does not say has its default, and what makes no sense is left out.
 * @param toolName of the call that the event is about, if it is about one
 */
export function hooksFor(
  config: JsonObject | null,
  type: HookEventType,
  toolName?: string,
): HookDefinition[] {
  const deadline = performance.now() + MATCHING_MS;
  return objectsIn(config?.[KEYS[type]])
    .filter(({ matcher }) => matches(typeof matcher === 'string' ? matcher : '*', toolName, deadline))
    .flatMap(({ hooks }) => objectsIn(hooks).map(definitionOf));
}

/** Whether there is any hook for an event. */
export function hasHooks(config: JsonObject | null, type: HookEventType): boolean {
  return objectsIn(config?.[KEYS[type]]).some(({ hooks }) => objectsIn(hooks).length > 0);
}

/**
 * A configuration as events show it: nulls left out, names as the original writes them. Undefined: there is
 * no hook.
 */
export function shownHooks(config: JsonObject | null): JsonObject | undefined {
  const types = Object.entries(KEYS);
  const shown = types.map(([, key]): [string, unknown] => [
    key,
    objectsIn(config?.[key]).map(({ matcher, hooks }) => ({
      matcher: typeof matcher === 'string' ? matcher : '*',
      hooks: objectsIn(hooks).map((hook) => shownDefinition(definitionOf(hook))),
    })),
  ]);
  return shown.some(([, list]) => Array.isArray(list) && list.length > 0)
    ? Object.fromEntries(shown)
    : undefined;
}

function shownDefinition({ async: async_, ...definition }: HookDefinition): JsonObject {
  const given = Object.entries({ ...definition, async_ }).filter(([, value]) => value !== null);
  return Object.fromEntries(given);
}

function definitionOf(hook: JsonObject): HookDefinition {
  const { type, tools, timeout, max_iterations: iterations } = hook;
  return {
    type: type === 'prompt' || type === 'agent' ? type : 'command',
    name: textOf(hook['name']),
    command: textOf(hook['command']) ?? '',
    prompt: textOf(hook['prompt']),
    system_prompt: textOf(hook['system_prompt']),
    tools: Array.isArray(tools) ? tools.filter((tool): tool is string => typeof tool === 'string') : [],
    timeout: typeof timeout === 'number' ? timeout : 60,
    max_iterations: typeof iterations === 'number' ? iterations : 3,
    async: hook['async'] === true || hook['async_'] === true,
  };
}

/**
 * `*` and nothing stand for all; `/.../` and what looks like one is a pattern for the whole name; else it is
 * the name.
 */
function matches(matcher: string, toolName: string | undefined, deadline: number): boolean {
  if (matcher === '' || matcher === '*') return true;
  if (toolName === undefined) return false;
  const delimited = /^\/(.*)\/$/s.exec(matcher)?.[1];
  const pattern = delimited ?? (/[|.*+?[\](){}^$\\]/.test(matcher) ? matcher : undefined);
  if (pattern === undefined) return matcher === toolName;
  const fit = matchingNames(pattern, [toolName], true, deadline - performance.now());
  // A guard whose pattern cannot be read, or has no end, guards everything.
  return fit === undefined || fit.length > 0;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
