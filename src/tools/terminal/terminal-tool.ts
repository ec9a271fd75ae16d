import { userInfo } from 'node:os';
import path from 'node:path';

import type { Action, Observation } from '../../events/index.js';
import type { ExecutionContext, Tool, ToolDefinition, ToolInvocation } from '../tool.js';
import type { ToolHost } from '../tool-host.js';
import { ToolExecutionError } from '../tool.js';
import { truncateMiddle, truncateMiddleAndSave } from '../truncate.js';
import { splitCommands } from './bash-syntax/split-commands.js';
import { foregroundRefusal } from './foreground-limit.js';
import { keySequence } from './keys.js';
import { ShellStartError } from './session/shell.js';
import { TERMINAL_ANNOTATIONS, TERMINAL_DESCRIPTION, TERMINAL_SCHEMA } from './terminal-definition.js';
import {
  outputFrame,
  commandMetadata,
  MAX_RENDERED_LENGTH,
  renderTerminalObservation,
  terminalObservation,
} from './terminal-observation.js';
import { WorkingDirError } from './session/session-errors.js';
import { TerminalSession } from './session/terminal-session.js';
import type { CommandReport, WatchOptions } from './session/terminal-session.js';
import * as texts from './terminal-texts.js';

/** Seconds without output after which a call returns, as in the original. */
const DEFAULT_QUIET_SECONDS = 30;
/** The maximum of an earlier command's remaining output in a result (characters). */
const EARLIER_OUTPUT_LENGTH = 5000;
const OBSERVATIONS_FOLDER = 'observations';

/** Runs shell commands in a persistent bash on a real terminal. */
export const terminalDefinition: ToolDefinition = {
  name: 'terminal',
  kind: 'TerminalTool',
  actionKind: 'TerminalAction',
  observationKind: 'TerminalObservation',
  title: 'terminal',
  description: TERMINAL_DESCRIPTION,
  annotations: TERMINAL_ANNOTATIONS,
  schema: TERMINAL_SCHEMA,
  create: (host, params) => new TerminalTool(host, parseParams(params)),
  render: renderTerminalObservation,
};

interface TerminalParams {
  quietSeconds: number;
  shellPath?: string;
  env?: Record<string, string>;
  username?: string;
}

/** The arguments of a call. `timeout` is in seconds. */
interface TerminalArguments {
  command: string;
  isInput: boolean;
  timeout?: number;
  reset: boolean;
}

/** `terminal_type` is accepted and ignored, because there is only one implementation. */
function parseParams(params: Record<string, unknown>): TerminalParams {
  const { no_change_timeout_seconds: quiet, shell_path: shellPath, env, username } = params;
  const entries = Object.entries(env ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return {
    quietSeconds: typeof quiet === 'number' && quiet > 0 ? quiet : DEFAULT_QUIET_SECONDS,
    shellPath: typeof shellPath === 'string' && shellPath !== '' ? shellPath : undefined,
    env: Object.fromEntries(entries),
    username: typeof username === 'string' && username !== '' ? username : undefined,
  };
}

function parseArguments(args: Record<string, unknown>): TerminalArguments {
  return {
    command: typeof args.command === 'string' ? args.command : '',
    isInput: args.is_input === true,
    timeout: typeof args.timeout === 'number' ? Math.max(0, args.timeout) : undefined,
    reset: args.reset === true,
  };
}

class TerminalTool implements Tool {
  readonly definition = terminalDefinition;
  private readonly session: TerminalSession;
  private isAnnounced = false;

  constructor(
    private readonly host: ToolHost,
    private readonly params: TerminalParams,
  ) {
    this.session = new TerminalSession({
      workingDir: host.workingDir,
      env: params.env,
      shellPath: params.shellPath,
      confinement: host.confinement,
    });
  }

  prepare(args: Record<string, unknown>): ToolInvocation {
    const call = parseArguments(args);
    const { command, isInput, timeout, reset } = call;
    const action: Action = {
      command,
      is_input: isInput,
      ...(timeout !== undefined && { timeout }),
      reset,
      kind: 'TerminalAction',
    };
    return {
      action,
      touches: () => [{ kind: 'terminal', key: this.host.conversationId }],
      execute: (context) => this.execute(call, context),
    };
  }

  close(): Promise<void> {
    return this.session.close();
  }

  private async execute(call: TerminalArguments, context: ExecutionContext): Promise<Observation> {
    if (call.reset && call.isInput) throw new ToolExecutionError(texts.RESET_WITH_INPUT);
    if (this.params.username !== undefined && this.params.username !== userInfo().username) {
      throw new ToolExecutionError(
        `The terminal runs as the server's user and cannot run as "${this.params.username}"`,
      );
    }
    context.signal.throwIfAborted();
    if (!this.isAnnounced) this.host.announceTerminal?.(this.session);
    this.isAnnounced = true;
    try {
      // A person who has the terminal loses it when the agent goes on.
      await this.session.takeover.end();
      const takeover = this.session.takeover.takeReport();
      const observation = call.reset ? await this.reset(call, context) : await this.answer(call, context);
      if (takeover === undefined) return observation;
      return preceded(observation, texts.takenOver({ ...takeover, output: this.masked(takeover.output) }));
    } catch (error) {
      if (error instanceof WorkingDirError || error instanceof ShellStartError) {
        throw new ToolExecutionError(error.message, { cause: error });
      }
      throw error;
    }
  }

  private async reset(call: TerminalArguments, context: ExecutionContext): Promise<Observation> {
    await this.session.reset();
    if (call.command.trim() === '') {
      return terminalObservation({
        command: '[RESET]',
        text: texts.RESET_DONE,
        exitCode: 0,
        saveDir: this.shownSaveDir,
      });
    }
    const observation = preceded(await this.answer(call, context), texts.RESET_DONE);
    return { ...observation, command: `[RESET] ${call.command}` };
  }

  private async answer(call: TerminalArguments, context: ExecutionContext): Promise<Observation> {
    const { command } = call;
    const refusal = call.isInput ? undefined : texts.literalRefusal(command);
    if (refusal) return terminalObservation({ command, text: refusal, isError: true });
    if (command.trim() === '') return this.poll(call, context);
    const timeoutRefusal = call.isInput ? undefined : foregroundRefusal(call.timeout);
    if (timeoutRefusal !== undefined) return this.misuse(call, timeoutRefusal);
    const key = keySequence(command.trim());
    if (this.session.status !== 'idle' && (call.isInput || key !== undefined)) {
      return this.type(call, key ?? `${command}\n`, context);
    }
    if (call.isInput) return this.misuse(call, texts.NOTHING_TO_TYPE_INTO);
    const commands = splitCommands(command);
    if (commands.length > 1) return this.misuse(call, texts.severalCommands(commands));
    if (this.session.status === 'running') return this.notExecuted(call);
    return this.run(call, context);
  }

  /** An error result: the call does not fit the state of the terminal. */
  private misuse({ command }: TerminalArguments, text: string): Observation {
    return terminalObservation({ command, text, isError: true, saveDir: this.shownSaveDir });
  }

  private async poll(call: TerminalArguments, context: ExecutionContext): Promise<Observation> {
    if (this.session.status === 'idle') return this.misuse(call, texts.NOTHING_TO_READ);
    return this.observe(call, await this.session.watch(this.watchOptions(call, context)), {
      continued: true,
    });
  }

  private async type(
    call: TerminalArguments,
    input: string,
    context: ExecutionContext,
  ): Promise<Observation> {
    const report = await this.session.send(input, this.watchOptions(call, context));
    return this.observe(
      call,
      { ...report, output: withoutEcho(report.output, call.command) },
      { continued: true },
    );
  }

  private notExecuted(call: TerminalArguments): Observation {
    const { command } = call;
    const metadata = commandMetadata(undefined, texts.PREVIOUS_OUTPUT, texts.notExecutedSuffix(command));
    return terminalObservation({ command, text: '', isError: true, exitCode: -1, metadata });
  }

  private async run(call: TerminalArguments, context: ExecutionContext): Promise<Observation> {
    const options = this.watchOptions(call, context);
    const earlier = this.session.status === 'finished' ? await this.session.watch(options) : undefined;
    const problems = await this.setSecrets(call.command, context.signal);
    const report = await this.session.run(call.command, options);
    const before =
      earlier &&
      texts.earlierOutput(
        earlier.exitCode,
        truncateMiddle(this.masked(earlier.output), EARLIER_OUTPUT_LENGTH),
      );
    return this.observe(call, report, { continued: false, prefix: problems + (before ?? '') });
  }

  /** Exports the secrets that a command refers to. Returns messages about those that are not available. */
  private async setSecrets(command: string, signal: AbortSignal): Promise<string> {
    const named = await this.host.secrets?.namedIn(command, signal);
    if (!named) return '';
    await this.session.exportVariables(named.variables);
    return named.problems.map((problem) => `[${problem}]\n`).join('');
  }

  private masked(output: string): string {
    return this.host.secrets?.mask(output) ?? output;
  }

  private async observe(
    call: TerminalArguments,
    report: CommandReport,
    { continued, prefix = '' }: { continued: boolean; prefix?: string },
  ): Promise<Observation> {
    const { command } = call;
    const { outcome, exitCode, prompt } = report;
    // Masked before truncating and saving, because a partial value is not recognised.
    const output = this.masked(report.output);
    const dropped =
      report.remainingLines === undefined ? '' : texts.droppedOutputPrefix(report.remainingLines);
    if (outcome === 'ended') {
      const metadata = commandMetadata(undefined, prefix + dropped, '');
      const ending = texts.shellEnded(exitCode);
      // Bash prints `exit` when it exits.
      const printed = output.replace(/(^|\n)exit$/, '');
      const text = await this.truncated(printed === '' ? ending : `${printed}\n\n${ending}`, metadata);
      return terminalObservation({ command, text, isError: true, exitCode: -1, metadata });
    }
    const limits = { quiet: this.params.quietSeconds, timeout: call.timeout };
    const suffix = texts.outcomeSuffix(outcome, exitCode, command.trim(), limits);
    const still = continued && outcome !== 'completed' ? texts.PREVIOUS_OUTPUT : '';
    const metadata = commandMetadata(prompt, prefix + still + dropped, suffix);
    const text = await this.truncated(output, metadata);
    return terminalObservation({ command, text, exitCode, metadata, saveDir: this.shownSaveDir });
  }

  /** Truncates the output so that the rendered observation fits its limit. The complete output is saved. */
  private truncated(output: string, metadata: ReturnType<typeof commandMetadata>): Promise<string> {
    const { before, after } = outputFrame(metadata);
    const limit = MAX_RENDERED_LENGTH - before.length - after.length;
    const folder = path.join(this.host.folder, OBSERVATIONS_FOLDER);
    return truncateMiddleAndSave(output, limit, { folder, tool: terminalDefinition.name });
  }

  private watchOptions(call: TerminalArguments, context: ExecutionContext): WatchOptions {
    return {
      timeoutMs: call.timeout === undefined ? undefined : call.timeout * 1000,
      quietMs: this.params.quietSeconds * 1000,
      signal: context.signal,
      onOutput: context.onOutput,
    };
  }

  private get shownSaveDir(): string {
    return path.join(this.host.shownFolder, OBSERVATIONS_FOLDER);
  }
}

/** The observation with a text before its own. */
function preceded(observation: Observation, before: string): Observation {
  const [first, ...others] = observation.content;
  const text = first?.type === 'text' ? `${before}\n\n${first.text}` : before;
  return { ...observation, content: [{ cache_prompt: false, type: 'text', text }, ...others] };
}

/** Removes the terminal's echo of the input. */
function withoutEcho(output: string, typed: string): string {
  if (output === typed) return '';
  return output.startsWith(`${typed}\n`) ? output.slice(typed.length + 1) : output;
}
