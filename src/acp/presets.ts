import type { FileSecretSpec } from '../agent/index.js';

/** Runs a package with npx, from its cache if possible. */
const npx = (...args: string[]): string[] => ['npx', '-y', '--prefer-offline', ...args];

/** Known agents and their commands, in the versions that clients of the original get. */
const COMMANDS: Readonly<Record<string, string[]>> = {
  'claude-code': npx('@agentclientprotocol/claude-agent-acp@0.63.0'),
  codex: npx('@agentclientprotocol/codex-acp@1.10.0'),
  'gemini-cli': npx('@google/gemini-cli@0.46.0', '--acp'),
  'kimi-code': npx('@moonshot-ai/kimi-code@0.38.0', 'acp'),
  pi: npx('--package=pi-acp@0.0.33', '--package=@earendil-works/pi-coding-agent@0.83.0', 'pi-acp'),
  opencode: npx('opencode-ai@1.18.23', 'acp'),
};

/** The names of agents; `custom` is given by its command. */
export const ACP_SERVERS: readonly string[] = [...Object.keys(COMMANDS), 'custom'];

/** The command of a known agent; undefined for others. */
export function presetCommand(server: string): string[] | undefined {
  return COMMANDS[server];
}

const file = (
  secret_name: string,
  filename: string,
  env_var: string,
  subdir: string,
  env_points_to: 'dir' | 'file' = 'dir',
  warn_if_unset: string[] = [],
): FileSecretSpec => ({ secret_name, filename, env_var, subdir, env_points_to, warn_if_unset });

/** Secrets that known agents read from files. */
export const FILE_SECRETS: readonly FileSecretSpec[] = [
  file('CODEX_AUTH_JSON', 'auth.json', 'CODEX_HOME', 'codex'),
  file(
    'GOOGLE_APPLICATION_CREDENTIALS_JSON',
    'gcloud-credentials.json',
    'GOOGLE_APPLICATION_CREDENTIALS',
    'gemini-cli',
    'file',
    ['GOOGLE_CLOUD_PROJECT', 'GOOGLE_CLOUD_LOCATION'],
  ),
  file('KIMI_CODE_CONFIG_TOML', 'config.toml', 'KIMI_CODE_HOME', 'kimi-code'),
  file('PI_AUTH_JSON', 'auth.json', 'PI_CODING_AGENT_DIR', 'pi'),
];
