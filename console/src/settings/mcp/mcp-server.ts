import { isRecord } from '../../api/api-error.js';
import { api, call, type Schemas } from '../../api/client.js';
import { MASK } from '../mask.js';

/** An MCP server in the settings. */
export type McpServer = Schemas['McpServer'];

/** The MCP servers of the settings by name. */
export async function readServers(signal?: AbortSignal): Promise<[string, McpServer][]> {
  const { agent_settings } = await call(api.GET('/api/settings', { signal }));
  return Object.entries(agent_settings.mcp_config).sort(([a], [b]) => a.localeCompare(b));
}

/** What a server is, in a line. */
export function addressOf({ url, command, args }: McpServer): string {
  if (typeof command === 'string') return [command, ...(args ?? [])].join(' ');
  return url ?? '';
}

/** Tries a stored server: connects and lists its tools. */
export async function testServer(
  name: string,
): Promise<Schemas['MCPTestSuccess'] | Schemas['MCPTestFailure']> {
  const server = await withSecrets(name);
  const { url, transport, command, args, env, cwd, headers, auth } = server;
  const withoutNulls = (values: McpServer['env']): Record<string, string> =>
    Object.fromEntries(
      Object.entries(values ?? {}).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])),
    );
  const spec =
    typeof command !== 'string'
      ? {
          type:
            transport === 'sse' || ((transport ?? null) === null && /\/sse\/?$/.test(url ?? ''))
              ? 'sse'
              : 'http',
          url: url ?? '',
          headers: withoutNulls(headers),
          auth: auth ?? null,
        }
      : { type: 'stdio', command, args: args ?? [], env: withoutNulls(env), cwd: cwd ?? null };
  return call(
    api.POST('/api/mcp/test', {
      body: { name, server: spec as Schemas['MCPTestRequest']['server'] },
    }),
  );
}

/**
 * A stored server with its secrets as tokens that only the server reads; in clear where it has no key for
 * tokens. They are passed on and not shown.
 */
async function withSecrets(name: string): Promise<McpServer> {
  const stored = new Map(await readServers()).get(name);
  if (stored === undefined) throw new Error(`There is no MCP server ${name} any more.`);
  if (!hasMasked(stored)) return stored;
  for (const exposure of ['encrypted', 'plaintext']) {
    try {
      const { agent_settings } = await call(
        api.GET('/api/settings', { params: { header: { 'X-Expose-Secrets': exposure } } }),
      );
      return agent_settings.mcp_config[name] ?? stored;
    } catch (error) {
      if (exposure === 'plaintext') throw error;
    }
  }
  return stored;
}

function hasMasked(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(MASK);
  if (Array.isArray(value)) return value.some(hasMasked);
  return isRecord(value) && Object.values(value).some(hasMasked);
}
