import { InvalidRequestError } from '../../../errors/index.js';
import { model, readChecked, RequestValidationError, type Location } from '../../../http/index.js';
import { isJsonObject, type JsonObject } from '../../../json/index.js';
import { DuplicateToolError, UnknownToolError, type ToolRegistry } from '../../../tools/index.js';
import type { AgentSpec } from '../../../agent/index.js';
import { StartConversationRequestDto } from '../../api/dto/start-conversation.dto.js';
import { toStartRequest } from '../../api/dto/to-start-request.js';
import type { RequestedConversation } from '../../state/start-request.js';
import type { ImportNotes } from './notes.js';

/** So many fields are left out before a request is given up. */
const MAX_LEFT_OUT = 200;

/**
 * Reads a create request of another server, or of another version: what is not valid here is left out and
 * noted.
 * @throws RequestValidationError, InvalidRequestError for a request that stays invalid
 */
export function tolerantRequest(raw: JsonObject, notes: ImportNotes): RequestedConversation {
  const request = structuredClone(raw);
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
    }
  }
}

/** The agent without tools that this server does not have. */
export function withKnownTools(agent: AgentSpec, registry: ToolRegistry, notes: ImportNotes): AgentSpec {
  let { tools, include_default_tools: included } = agent;
  for (let left = tools.length + included.length; left >= 0; left -= 1) {
    try {
      registry.assertKnown(tools, included);
      break;
    } catch (error) {
      if (error instanceof DuplicateToolError) {
        const first = (name: string, index: number, all: readonly string[]) => all.indexOf(name) === index;
        const names = tools.map(({ name }) => name);
        tools = tools.filter(({ name }, index) => first(name, index, names));
        included = included.filter(first);
        continue;
      }
      if (!(error instanceof UnknownToolError)) throw error;
      const { toolName } = error;
      notes.problem(`the tool ${toolName} is unknown here: the agent goes on without it`);
      tools = tools.filter(({ name }) => name !== toolName);
      included = included.filter((name) => name !== toolName);
    }
  }
  return { ...agent, tools, include_default_tools: included };
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
