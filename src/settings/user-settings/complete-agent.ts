import { fieldsOf } from '../../http/validation/field.js';
import { ACPAgentSettingsDto, OpenHandsAgentSettingsDto } from '../dto/agent-settings.dto.js';
import { McpServerDto } from '../dto/mcp-server.dto.js';
import { splitBasicAuth } from '../../text/index.js';
import { completed, hasPath } from '../json-values.js';
import { utcTimestamp } from '../../events/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';

/** Objects of agent settings that have fields of their own, as opposed to maps. */
export const AGENT_PARTS = ['llm', 'agent_context', 'condenser', 'verification', 'meta_profile'];

/** The kind of agent that settings name: `llm` is the former name of `openhands`. */
export function agentKind({ agent_kind: kind = 'openhands' }: JsonObject): unknown {
  return kind === 'llm' ? 'openhands' : kind;
}

/**
 * Agent settings with all fields; undefined where one is not valid.
 * @param stored fields that nobody here knows are taken for those of a newer program where they were stored
 *   before
 */
export function completeAgent(settings: JsonObject, stored: JsonObject): JsonObject | undefined {
  const kind = agentKind(settings);
  const dto =
    kind === 'openhands' ? OpenHandsAgentSettingsDto : kind === 'acp' ? ACPAgentSettingsDto : undefined;
  if (!dto) return undefined;
  const agent = completed(
    dto,
    { ...settings, agent_kind: kind },
    ({ type, at = [] }) => type === 'extra_forbidden' && hasPath(stored, at),
  );
  if (!agent) return undefined;
  const servers = Object.entries(asJsonObject(agent['mcp_config']));
  return {
    ...agent,
    ...(agent['llm'] !== undefined && { llm: completeLlm(asJsonObject(agent['llm'])) }),
    mcp_config: Object.fromEntries(servers.map(([name, server]) => [name, tidyServer(asJsonObject(server))])),
    agent_context: agent['agent_context'] === null ? null : withTime(asJsonObject(agent['agent_context'])),
  };
}

/** All fields of an LLM as clients know it. */
export function completeLlm(llm: JsonObject): JsonObject {
  const { fallback_strategy: fallback, ...fields } = llm;
  return {
    ...fields,
    disable_stop_word: fields['disable_stop_word'] ?? false,
    is_subscription: fields['auth_type'] === 'subscription',
    ...(fallback !== null && fallback !== undefined && { fallback_strategy: fallback }),
  };
}

/** A server says only what it says: no nulls, no empty maps, and always whether it is enabled. */
function tidyServer(given: JsonObject): JsonObject {
  const server = withBasicAuth(given);
  const names = [...new Set([...fieldsOf(McpServerDto).keys(), ...Object.keys(server)])];
  const full: JsonObject = { enabled: true, ...server };
  return Object.fromEntries(
    names
      .map((name) => [name, Object.hasOwn(full, name) ? full[name] : null] as const)
      .filter(
        ([name, value]) =>
          value !== null && !(MAPS.has(name) && Object.keys(asJsonObject(value)).length === 0),
      ),
  );
}

/**
 * An MCP server or a looked-up secret with the name and password of its address as the header that they are
 * sent as: other programs that share the settings store this header encrypted, and addresses not. Beside an
 * `auth` there may be none.
 */
function withBasicAuth(service: JsonObject): JsonObject {
  const { url, headers, auth } = service;
  const strategy = asJsonObject(auth)['strategy'] ?? 'none';
  if (typeof url !== 'string' || strategy !== 'none') return service;
  const { url: plain, authorization } = splitBasicAuth(url);
  if (authorization === undefined) return service;
  const others = Object.entries(asJsonObject(headers)).filter(
    ([name]) => name.toLowerCase() !== 'authorization',
  );
  return { ...service, url: plain, headers: { ...Object.fromEntries(others), Authorization: authorization } };
}

function withBasicAuthOfEach(sources: JsonObject): JsonObject {
  const entries = Object.entries(sources);
  return Object.fromEntries(
    entries.map(([name, source]) => [name, isJsonObject(source) ? withBasicAuth(source) : source]),
  );
}

const MAPS = new Set(['env', 'headers']);

function withTime(context: JsonObject): JsonObject {
  const { memory_context: memory, ...fields } = context;
  const { secrets } = context;
  const now = fields['current_datetime'] ?? utcTimestamp();
  return {
    ...fields,
    ...(isJsonObject(secrets) && { secrets: withBasicAuthOfEach(secrets) }),
    ...(memory !== undefined && memory !== null && { memory_context: memory }),
    current_datetime: now,
  };
}
