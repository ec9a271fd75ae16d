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

/** So many fields are left out before a request is given up. */
const MAX_LEFT_OUT = 200;

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
  for (let left = MAX_LEFT_OUT; ; left -= 1) {
    try {
      const dto = readChecked(model(StartConversationRequestDto), request, ['body']);
      if (!(dto instanceof StartConversationRequestDto)) throw new TypeError('not a create request');
      return toStartRequest(dto);
    } catch (error) {
      const found = problemIn(error);
      const removed = found && left > 0 ? remove(request, found.path) : undefined;
      if (!found || removed === undefined) throw error;
      notes.problem(`${removed} is left out: ${found.text}`);
      await nextTurn();
    }
  }
}

function firstProblem(error: unknown): string {
  const { path, text } = problemIn(error) ?? { path: [], text: errorMessage(error) };
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

function problemIn(error: unknown): { path: Location; text: string } | undefined {
  if (error instanceof RequestValidationError) {
    const [problem] = error.problems;
    return problem && { path: problem.path ?? [], text: problem.msg };
  }
  return error instanceof InvalidRequestError ? { path: error.location, text: error.message } : undefined;
}

/**
 * Removes the deepest value that exists on a path. Parts of a path that are no keys name an alternative.
 * @returns where it was; undefined if there is nothing to remove
 */
function remove(request: JsonObject, path: Location): string | undefined {
  let at: unknown = request;
  let found: { owner: JsonObject | unknown[]; key: string | number } | undefined;
  const names: (string | number)[] = [];
  for (const key of path.slice(1)) {
    if (Array.isArray(at) && typeof key === 'number' && key < at.length) {
      found = { owner: at, key };
      at = at[key];
    } else if (isJsonObject(at) && Object.hasOwn(at, key)) {
      found = { owner: at, key };
      at = at[key];
    } else continue;
    names.push(key);
  }
  if (!found) return undefined;
  const { owner, key } = found;
  if (Array.isArray(owner)) owner.splice(Number(key), 1);
  else Reflect.deleteProperty(owner, key);
  return names.join('.');
}
