import type { HookEventType } from '../../events/index.js';
import { fitting } from '../../tools/name-pattern.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';

/** One hook with defaults filled in. */
export interface HookDefinition {
  type: 'command' | 'prompt' | 'agent';
  name: string | null;
  command: string;
  prompt: string | null;
  system_prompt: string | null;
  /** Names of tools that a hook of type `agent` may use. */
  tools: string[];
  /** Seconds. */
  timeout: number;
  /** Most model calls of a hook of type `agent`. */
  max_iterations: number;
  /** It runs in the background and cannot block. */
  async: boolean;
}

/** Time limit for matching all patterns of a configuration against a name (ms). */
const MAX_MATCHING_MS = 100;

/** The configuration key of each event type. */
const KEYS: Readonly<Record<HookEventType, string>> = {
  PreToolUse: 'pre_tool_use',
  PostToolUse: 'post_tool_use',
  UserPromptSubmit: 'user_prompt_submit',
  SessionStart: 'session_start',
  SessionEnd: 'session_end',
  Stop: 'stop',
};

/**
 * The hooks for an event, in configuration order. The configuration comes from requests, plugins and disk:
 * missing values get defaults and invalid ones are ignored.
 * @param toolName of the call that the event is about, if any
 */
export function hooksFor(
  config: JsonObject | null,
  type: HookEventType,
  toolName?: string,
): HookDefinition[] {
  const deadline = performance.now() + MAX_MATCHING_MS;
  return objectsIn(config?.[KEYS[type]])
    .filter(({ matcher }) => matches(typeof matcher === 'string' ? matcher : '*', toolName, deadline))
    .flatMap(({ hooks }) => objectsIn(hooks).map(definitionOf));
}

/** Whether any hook is configured for an event. */
export function hasHooks(config: JsonObject | null, type: HookEventType): boolean {
  return objectsIn(config?.[KEYS[type]]).some(({ hooks }) => objectsIn(hooks).length > 0);
}

/**
 * The configuration as shown in events: without nulls, with the original's names. Undefined without any hook.
 */
export function hookConfigForEvent(config: JsonObject | null): JsonObject | undefined {
  const types = Object.entries(KEYS);
  const shown = types.map(([, key]): [string, unknown] => [
    key,
    objectsIn(config?.[key]).map(({ matcher, hooks }) => ({
      matcher: typeof matcher === 'string' ? matcher : '*',
      hooks: objectsIn(hooks).map((hook) => definitionForEvent(definitionOf(hook))),
    })),
  ]);
  return shown.some(([, list]) => Array.isArray(list) && list.length > 0)
    ? Object.fromEntries(shown)
    : undefined;
}

function definitionForEvent({ async: async_, ...definition }: HookDefinition): JsonObject {
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
 * Matches a tool name: `*` and the empty text match all tools, `/.../` and texts with special characters are
 * patterns for the whole name, anything else is a name.
 */
function matches(matcher: string, toolName: string | undefined, deadline: number): boolean {
  if (matcher === '' || matcher === '*') return true;
  if (toolName === undefined) return false;
  const delimited = /^\/(.*)\/$/s.exec(matcher)?.[1];
  const pattern = delimited ?? (/[|.*+?[\](){}^$\\]/.test(matcher) ? matcher : undefined);
  if (pattern === undefined) return matcher === toolName;
  const matching = fitting(pattern, [toolName], true, deadline - performance.now());
  // Fail closed: a pattern that is invalid or times out matches.
  return matching === undefined || matching.length > 0;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
