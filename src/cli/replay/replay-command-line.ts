import { parseArgs } from 'node:util';
import { conversationIdIn, type Parsed, type Subcommand, usageError } from '../subcommand.js';

/** What to replay, and with which changes. */
export interface ReplayOptions {
  /** A stored conversation (its id with dashes), or the path of a trajectory zip. */
  source: { id: string } | { zip: string };
  /** The folder whose copy tools work in; undefined: no tool is run. */
  workspace: string | undefined;
  /** The file with fields of the agent that are different now. */
  agent: string | undefined;
  /** The file with the new system prompt. */
  systemPrompt: string | undefined;
  withoutTools: string[];
  withTools: string[];
  /** Longest time of a step (seconds). */
  stepLimit: number;
  asJson: boolean;
}

const HELP = `Usage: openhands-agent-server replay ID [options]
       openhands-agent-server replay --trajectory ZIP [options]

Replays a conversation: its agent, with the prompts and tools of this version and your changes, gets the
recorded messages and, instead of a model, the recorded answers. Shows each place where it goes another way
than the log: another prompt, a tool that is gone or refuses a recorded call, another result. No model is
called. The conversation and its workspace are only read; what the replay writes is removed.

Without --workspace no tool is run: calls are checked against the tools of today and get the recorded
results. With it, tools that work with files and the terminal run in a copy of the folder, in the sandbox
(bubblewrap) without network; all others (browser, MCP, models, sub-agents) still get recorded results.

Options:
  --trajectory ZIP      a trajectory zip instead of a stored conversation
  --workspace FOLDER    run the tools in a copy of this folder: the workspace as it was at the beginning
  --agent FILE          fields of the agent that are different now, as JSON, as in the agent of a create
                        request: such as {"llm": {"model": "..."}, "tools": [{"name": "..."}]}
  --system-prompt FILE  the system prompt: a text, or a template if its name ends with .j2
  --without-tool NAME   take a tool from the agent (may be repeated)
  --with-tool NAME      give it one more (may be repeated)
  --step-limit SECONDS  longest time of a step (default: 60)
  --json                print one object for programs
  -h, --help            print this text and exit

Exit codes: 0 it went the same way, 1 it went another way, 2 it could not be replayed.
`;

const MAX_STEP_SECONDS = 3600;

/** The command `replay`. */
export const replayCommand: Subcommand = { help: HELP, parse };

function parse(args: readonly string[]): Parsed {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      trajectory: { type: 'string' },
      workspace: { type: 'string' },
      agent: { type: 'string' },
      'system-prompt': { type: 'string' },
      'without-tool': { type: 'string', multiple: true, default: [] },
      'with-tool': { type: 'string', multiple: true, default: [] },
      'step-limit': { type: 'string', default: '60' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  const empty = (['trajectory', 'workspace', 'agent', 'system-prompt'] as const).find(
    (name) => values[name] === '',
  );
  if (empty !== undefined) return usageError(`--${empty} requires a path`);
  const source = sourceOf(positionals, values.trajectory);
  if (typeof source === 'string') return usageError(source);
  const stepLimit = Number(values['step-limit']);
  if (!(stepLimit > 0 && stepLimit <= MAX_STEP_SECONDS))
    return usageError(`--step-limit requires a number of seconds up to ${MAX_STEP_SECONDS}`);
  return running({
    ...{ source, workspace: values.workspace },
    ...{ agent: values.agent, systemPrompt: values['system-prompt'] },
    ...{ withoutTools: values['without-tool'], withTools: values['with-tool'] },
    ...{ stepLimit, asJson: values.json },
  });
}

/** @returns the source, or what is wrong with it */
function sourceOf(
  [id, ...more]: readonly string[],
  zip: string | undefined,
): ReplayOptions['source'] | string {
  if (more.length > 0) return `Unexpected argument '${more[0] ?? ''}'`;
  if (zip !== undefined) return id === undefined ? { zip } : '--trajectory and an id exclude each other';
  if (id === undefined) return 'replay requires the id of a conversation, or --trajectory';
  const dashed = conversationIdIn(id);
  return dashed === undefined ? `'${id}' is not the id of a conversation` : { id: dashed };
}

function running(options: ReplayOptions): Parsed {
  return {
    kind: 'run',
    run: async (config, output) => (await import('./run-replay.js')).runReplay(options, config, output),
    explain: async (error) => [(await import('./run-replay.js')).explainReplayError(error)],
  };
}
