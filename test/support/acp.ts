import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { userMessage, type ConversationClient } from './conversation-client.js';
import { eventually } from './eventually.js';
import { isAlive } from './is-alive.js';

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

/** Arguments of a test agent that ends only when it is killed, with a mark for `agentsWith`. */
export function stubborn(mark: string): string[] {
  return ['--stubborn', '--banner', mark];
}

/** Process ids of test agents that have this text among their arguments. */
export function agentsWith(text: string): number[] {
  return processesWith(
    ([, script = '', ...args]) => script === AGENT && args.some((it) => it.includes(text)),
  );
}

/** Ids of the processes whose command line matches. */
export function processesWith(matches: (words: readonly string[]) => boolean): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => matches(commandLine(pid))).map(Number);
}

/** Waits until no test agent with this text among its arguments runs. */
export async function agentsEnd(text: string): Promise<void> {
  // Looking at a few known processes costs less than looking at all.
  const known = agentsWith(text);
  await eventually(() => !known.some(isAlive) && agentsWith(text).length === 0, `the end of ${text}`);
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** The final response of the agent. */
export async function answerOf({ server, route }: ConversationClient): Promise<string> {
  const { body } = await server.request('GET', `${route}/agent_final_response`);
  if (typeof body === 'object' && body !== null && 'response' in body) return String(body.response);
  throw new Error(`no final response: ${JSON.stringify(body)}`);
}
