import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorMessage, InvalidRequestError } from '../../../errors/index.js';
import { model, readChecked, RequestValidationError, type Location } from '../../../http/index.js';
import { isJsonObject, JsonSize, type JsonObject } from '../../../json/index.js';
import {
  DuplicateToolError,
  ToolParamsError,
  UnknownToolError,
  type ToolRegistry,
} from '../../../tools/index.js';
import type { AgentSpec } from '../../../agent/index.js';
import { StartConversationRequestDto } from '../../api/dto/start-conversation.dto.js';
import { toStartRequest } from '../../api/dto/to-start-request.js';
import type { RequestedConversation } from '../../state/start-request.js';
import type { ImportNotes } from './notes.js';
import { NotAConversationError } from './source-conversation.js';

/** So often a request is read again before it is given up. */
const MAX_ATTEMPTS = 60;
/** So often something of one object or list is left out before all of it is. */
const MAX_ATTEMPTS_WITHIN = 30;

/**
 * Reads a create request of another server, or of another version: what is not valid here is left out and
 * noted. Other requests get their turn between the attempts.
 * @throws NotAConversationError for a request that stays invalid, or is larger than clients may send
 */
export async function tolerantRequest(raw: JsonObject, notes: ImportNotes): Promise<RequestedConversation> {
  try {
    new JsonSize().push(Buffer.from(JSON.stringify(raw)));
    return await readRepeatedly(structuredClone(raw), notes);
  } catch (error) {
    if (error instanceof TypeError) throw error;
    throw new NotAConversationError(`its settings cannot be read: ${firstProblem(error)}`);
  }
}

async function readRepeatedly(request: JsonObject, notes: ImportNotes): Promise<RequestedConversation> {
  /** How often something was left out of an object or list. */
  const attempts = new Map<string, number>();
  for (let left = MAX_ATTEMPTS; ; left -= 1) {
    try {
      const dto = readChecked(model(StartConversationRequestDto), request, ['body']);
      if (!(dto instanceof StartConversationRequestDto)) throw new TypeError('not a create request');
      return toStartRequest(dto);
    } catch (error) {
      const [found] = problemsIn(error);
      const owner = found && ownerOf(request, found.path);
      if (!owner || left === 0) throw error;
      const attempt = (attempts.get(owner.join('.')) ?? 0) + 1;
      attempts.set(owner.join('.'), attempt);
      if (attempt > MAX_ATTEMPTS_WITHIN)
        remove(request, { path: owner, text: 'too much of it is not valid' }, notes);
      else for (const problem of removable(request, problemsIn(error))) remove(request, problem, notes);
      await nextTurn();
    }
  }
}

function firstProblem(error: unknown): string {
  const [{ path, text } = { path: [], text: errorMessage(error) }] = problemsIn(error);
  return path.length > 1 ? `${path.slice(1).join('.')}: ${text}` : text;
}

/** The agent without tools that this server does not have, or cannot configure. */
export function withKnownTools(agent: AgentSpec, registry: ToolRegistry, notes: ImportNotes): AgentSpec {
  const isUsable = (name: string, check: () => void): boolean => {
    try {
      check();
      return true;
    } catch (error) {
      if (error instanceof UnknownToolError)
        notes.problem(`the tool ${error.toolName} is unknown here: the agent goes on without it`);
      else if (error instanceof ToolParamsError)
        notes.problem(`the tool ${name} is left out: ${errorMessage(error)}`);
      else if (!(error instanceof DuplicateToolError)) throw error;
      return error instanceof DuplicateToolError;
    }
  };
  // Each by itself: their number is up to the source.
  const byName = new Map<string, AgentSpec['tools'][number]>();
  for (const tool of agent.tools) if (!byName.has(tool.name)) byName.set(tool.name, tool);
  const tools = [...byName.values()].filter((tool) =>
    isUsable(tool.name, () => registry.assertKnown([tool], [])),
  );
  const include_default_tools = [...new Set(agent.include_default_tools)].filter((kind) =>
    isUsable(kind, () => registry.assertKnown([], [kind])),
  );
  return { ...agent, tools, include_default_tools };
}

/** What is wrong with a request, and where. */
interface Problem {
  path: Location;
  text: string;
}

function problemsIn(error: unknown): Problem[] {
  if (error instanceof RequestValidationError)
    return error.problems.map(({ path = [], msg }) => ({ path, text: msg }));
  return error instanceof InvalidRequestError ? [{ path: error.location, text: error.message }] : [];
}

/**
 * The problems that can be removed at once: the first one, and those of other values. A path with parts that
 * are no keys tells of one of several alternatives: what is wrong with the others shows when it is removed.
 */
function removable(request: JsonObject, problems: readonly Problem[]): Problem[] {
  const isOfValue = ({ path }: Problem): boolean => keysOn(request, path).length === path.length - 1;
  const [first] = problems;
  if (first && !isOfValue(first)) return [first];
  // From the end of lists, and what is inside of a value before it: no removal moves what comes next.
  return problems.filter(isOfValue).sort((one, other) => comparePaths(other.path, one.path));
}

function comparePaths(one: Location, other: Location): number {
  for (const [index, key] of one.entries()) {
    const otherKey = other[index];
    if (otherKey === undefined) return 1;
    if (typeof key === 'number' && typeof otherKey === 'number' && key !== otherKey) return key - otherKey;
    if (key !== otherKey) return String(key) < String(otherKey) ? -1 : 1;
  }
  return one.length - other.length;
}

/** The keys of a path that exist in the request. Parts of a path that are no keys name an alternative. */
function keysOn(request: JsonObject, path: Location): (string | number)[] {
  let at: unknown = request;
  return path.slice(1).filter((key) => {
    const isKey =
      Array.isArray(at) && typeof key === 'number'
        ? key < at.length
        : isJsonObject(at) && Object.hasOwn(at, key);
    if (isKey) at = (at as Record<string | number, unknown>)[key];
    return isKey;
  });
}

/** The path of the object or list with the deepest value that exists on a path; undefined without one. */
function ownerOf(request: JsonObject, path: Location): Location | undefined {
  const keys = keysOn(request, path);
  return keys.length === 0 ? undefined : ['body', ...keys.slice(0, -1)];
}

/** Removes the deepest value that exists on the path of a problem. */
function remove(request: JsonObject, { path, text }: Problem, notes: ImportNotes): void {
  const keys = keysOn(request, path);
  const last = keys.at(-1);
  if (last === undefined) return;
  let owner: unknown = request;
  for (const key of keys.slice(0, -1)) owner = (owner as Record<string | number, unknown>)[key];
  if (Array.isArray(owner)) owner.splice(Number(last), 1);
  else Reflect.deleteProperty(owner as JsonObject, last);
  notes.problem(`${keys.join('.')} is left out: ${text}`);
}
