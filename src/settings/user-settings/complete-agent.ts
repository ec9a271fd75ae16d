import { fieldsOf } from '../../http/index.js';
import { ACPAgentSettingsDto, OpenHandsAgentSettingsDto } from '../dto/agent-settings.dto.js';
import { McpServerDto } from '../dto/mcp-server.dto.js';
import { splitBasicAuth } from '../../text/index.js';
import { completed, hasPath } from '../json-values.js';
import { utcTimestamp } from '../../events/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';

/** Fields of agent settings whose values are objects with fixed fields, not maps. */
export const NESTED_AGENT_FIELDS = ['llm', 'agent_context', 'condenser', 'verification', 'meta_profile'];

/** The kind of agent of settings. `llm` is the former name of `openhands`. */
export function agentKind({ agent_kind: kind = 'openhands' }: JsonObject): unknown {
  return kind === 'llm' ? 'openhands' : kind;
}

/**
 * Fills in the defaults of agent settings; undefined if a field is not valid.
 * @param stored unknown fields are accepted if they are stored already: a newer program wrote them
 */
export function completeAgent(settings: JsonObject, stored: JsonObject): JsonObject | undefined {
  const kind = agentKind(settings);
  const dto =
    kind === 'openhands' ? OpenHandsAgentSettingsDto : kind === 'acp' ? ACPAgentSettingsDto : undefined;
  if (!dto) return undefined;
  const agent = completed(
    dto,
    { ...settings, agent_kind: kind },
    ({ type, path = [] }) => type === 'extra_forbidden' && hasPath(stored, path),
  );
  if (!agent) return undefined;
  const servers = Object.entries(asJsonObject(agent['mcp_config']));
  return {
    ...agent,
    ...(agent['llm'] !== undefined && { llm: completeLlm(asJsonObject(agent['llm'])) }),
    mcp_config: Object.fromEntries(
      servers.map(([name, server]) => [name, compactServer(asJsonObject(server))]),
    ),
    agent_context:
      agent['agent_context'] === null ? null : completeContext(asJsonObject(agent['agent_context'])),
  };
}

/** Adds the fields of an LLM that are derived from others. */
export function completeLlm(llm: JsonObject): JsonObject {
  const { fallback_strategy: fallback, ...fields } = llm;
  return {
    ...fields,
    disable_stop_word: fields['disable_stop_word'] ?? false,
    is_subscription: fields['auth_type'] === 'subscription',
    ...(fallback !== null && fallback !== undefined && { fallback_strategy: fallback }),
  };
}

/** MCP servers are stored without nulls and empty maps, and always with `enabled`. */
function compactServer(stored: JsonObject): JsonObject {
  const server = withBasicAuth(stored);
  const names = [...new Set([...fieldsOf(McpServerDto).keys(), ...Object.keys(server)])];
  const full: JsonObject = { enabled: true, ...server };
  return Object.fromEntries(
    names
      .map((name) => [name, Object.hasOwn(full, name) ? full[name] : null] as const)
      .filter(
        ([name, value]) =>
          value !== null && !(MAP_FIELDS.has(name) && Object.keys(asJsonObject(value)).length === 0),
      ),
  );
}

/**
 * Moves the user name and password in the URL of an MCP server or a looked-up secret to an `Authorization`
 * header: other programs that share the settings encrypt headers but not URLs. Not with `auth`, which
 * excludes this header.
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

const MAP_FIELDS = new Set(['env', 'headers']);

function completeContext(context: JsonObject): JsonObject {
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
