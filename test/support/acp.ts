import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { userMessage, type ConversationClient } from './conversation-client.js';

const AGENT = fileURLToPath(new URL('acp-agent.mjs', import.meta.url));

/** Steps of the test agent for a prompt; see `acp-agent.mjs`. */
type AgentSteps = readonly (readonly unknown[])[];

/** Options of a conversation with the test agent. */
export interface AcpOptions {
  /** Arguments of the test agent. */
  args?: readonly string[];
  /** Further fields of the agent. */
  agent?: object;
  [field: string]: unknown;
}

/** The command of the test agent. */
export function acpCommand(...args: readonly string[]): string[] {
  return [process.execPath, AGENT, ...args];
}

/** The text of a message with steps for the test agent. */
export function steps(...all: AgentSteps): string {
  return JSON.stringify(all);
}

/** A create request for a conversation with the test agent. */
export function acpRequest(workingDir: string, message?: string, options: AcpOptions = {}) {
  const { args = [], agent, ...more } = options;
  return {
    agent: { kind: 'ACPAgent', acp_command: acpCommand(...args), ...agent },
    workspace: { working_dir: workingDir },
    autotitle: false,
    ...(message === undefined ? {} : { initial_message: userMessage(message) }),
    ...more,
  };
}

/** Process ids of test agents that have this text among their arguments. */
export async function agentsWith(text: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const [, script = '', ...args] = line.split('\0');
      return script === AGENT && args.some((argument) => argument.includes(text)) ? [pid] : [];
    }),
  );
  return found.flat();
}

/** The final response of the agent. */
export async function answerOf({ server, route }: ConversationClient): Promise<string> {
  const { body } = await server.request('GET', `${route}/agent_final_response`);
  if (typeof body === 'object' && body !== null && 'response' in body) return String(body.response);
  throw new Error(`no final response: ${JSON.stringify(body)}`);
}
