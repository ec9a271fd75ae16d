import { chmod, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { McpServer } from '@agentclientprotocol/sdk';
import type { AcpAgentSpec } from '../../agent/index.js';
import { makeFolder } from '../../files/index.js';
import { readMcpConfig } from '../../tools/index.js';

/** Variables for the data folder of agents that keep their data with the conversation. */
const DATA_FOLDERS: Readonly<Record<string, string>> = {
  'claude-code': 'CLAUDE_CONFIG_DIR',
  codex: 'CODEX_HOME',
  'gemini-cli': 'GEMINI_CLI_HOME',
  'kimi-code': 'KIMI_CODE_HOME',
  pi: 'PI_CODING_AGENT_DIR',
  opencode: 'XDG_DATA_HOME',
};

/** Secrets that are stored elsewhere and must not outlive the agent's process. */
export interface FleetingSecrets {
  names: readonly string[];
  /** Absolute path of an empty, private folder. */
  folder: string;
}

/**
 * Creates the environment of an agent: the conversation's secrets as variables, or as files if the agent
 * requires that.
 * @param folder private folder of the agent (absolute path)
 * @param secrets values by name
 * @param fleeting secrets that must not be stored in `folder`: links there point to their files
 */
export async function agentEnvironment(
  agent: AcpAgentSpec,
  folder: string,
  secrets: Readonly<Record<string, string>>,
  warn: (text: string) => void,
  fleeting: FleetingSecrets = { names: [], folder },
): Promise<Record<string, string>> {
  const inFiles = new Set(agent.acp_file_secrets.map(({ secret_name }) => secret_name));
  const env = Object.fromEntries(Object.entries(secrets).filter(([name]) => !inFiles.has(name)));
  const variable = DATA_FOLDERS[agent.acp_server ?? ''];
  if (agent.acp_isolate_data_dir && variable !== undefined) {
    env[variable] = path.join(folder, agent.acp_server ?? '');
    await makePrivate(env[variable]);
  }
  for (const spec of agent.acp_file_secrets) {
    const { [spec.secret_name]: value } = secrets;
    if (value === undefined) continue;
    const target = joinInside(folder, spec.subdir);
    await makePrivate(target);
    const file = joinInside(target, spec.filename);
    // Remove leftovers: a link of an earlier start is dangling.
    await rm(file, { force: true });
    if (fleeting.names.includes(spec.secret_name)) {
      const hidden = path.join(fleeting.folder, path.basename(file));
      await writeFile(hidden, value, { mode: 0o600 });
      await symlink(hidden, file);
    } else {
      await writeFile(file, value, { mode: 0o600 });
    }
    env[spec.env_var] = spec.env_points_to === 'dir' ? target : file;
    const missing = spec.warn_if_unset.filter((name) => (env[name] ?? process.env[name] ?? '') === '');
    if (missing.length > 0) warn(`${spec.env_var} is set for the agent, but ${missing.join(', ')} is not`);
  }
  return env;
}

async function makePrivate(folder: string): Promise<void> {
  await makeFolder(folder);
  await chmod(folder, 0o700);
}

/** Joins a name so that the result is always inside the folder. */
function joinInside(folder: string, name: string): string {
  return path.join(folder, path.join('/', name));
}

/** The MCP servers in the protocol's form; `$NAME` is replaced by a secret. */
export function mcpServersFor(agent: AcpAgentSpec, secrets: Readonly<Record<string, string>>): McpServer[] {
  const filled = (value: string): string =>
    value.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
      return secrets[braced ?? bare ?? ''] ?? whole;
    });
  const pairs = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => ({ name, value: filled(value) }));
  return readMcpConfig(agent.mcp_config).map((server): McpServer => {
    const { name } = server;
    if (server.kind === 'stdio') {
      return { name, command: server.command, args: server.args.map(filled), env: pairs(server.env) };
    }
    return { type: server.kind, name, url: filled(server.url), headers: pairs(server.headers) };
  });
}
