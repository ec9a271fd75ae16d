import { chmod, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { McpServer } from '@agentclientprotocol/sdk';
import type { AcpAgentSpec } from '../../agent/agent-spec.js';
import { makeFolder } from '../../files/index.js';
import { readMcpConfig } from '../../tools/mcp/mcp-config.js';

/** Where agents keep their data, for those that are to keep it with the conversation. */
const DATA_FOLDERS: Readonly<Record<string, string>> = {
  'claude-code': 'CLAUDE_CONFIG_DIR',
  codex: 'CODEX_HOME',
  'gemini-cli': 'GEMINI_CLI_HOME',
  'kimi-code': 'KIMI_CODE_HOME',
  pi: 'PI_CODING_AGENT_DIR',
  opencode: 'XDG_DATA_HOME',
};

/** Secrets whose values are held elsewhere and must not outlive the agent's process. */
export interface FleetingSecrets {
  names: readonly string[];
  /** Absolute path of an empty private folder. */
  folder: string;
}

/**
 * The environment of an agent: the secrets of the conversation by their names, but those that it wants as
 * files as files.
 * @param folder where the agent may keep what is its own (absolute path)
 * @param secrets values by name
 * @param fleeting names of secrets whose values must not stay in `folder`, and the folder for their files:
 *   there a link leads to it
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
    const target = safeJoin(folder, spec.subdir);
    await makePrivate(target);
    const file = safeJoin(target, spec.filename);
    // Whatever is left there: a link of an earlier start leads nowhere.
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
    if (missing.length > 0) warn(`the agent has ${spec.env_var}, but not ${missing.join(', ')}`);
  }
  return env;
}

async function makePrivate(folder: string): Promise<void> {
  await makeFolder(folder);
  await chmod(folder, 0o700);
}

/** Below the folder, whatever the name says. */
function safeJoin(folder: string, name: string): string {
  return path.join(folder, path.join('/', name));
}

/** The MCP servers of an agent as it is told of them; `$NAME` stands for a secret. */
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
