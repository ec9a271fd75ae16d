import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import type { EventDraft, HookEventType, HookExecutionEvent } from '../../events/index.js';
import type { Llm } from '../../llm/index.js';
import type { Confinement } from '../../sandbox/index.js';
import { traced, type Span, type SpanOptions } from '../../telemetry/index.js';
import { truncateMiddle } from '../../tools/index.js';
import type { JsonObject } from '../../json/index.js';
import { runCommand } from './command-hook.js';
import { parseCommandOutput, type HookDecision } from './hook-output.js';
import { hasHooks, hooksFor, type HookDefinition } from './hook-config.js';
import { hookInput, inputForEvent, type HookCall } from './hook-input.js';
import { askModel, hookLabel, type ModelHookContext } from './model-hook.js';

/** What hooks need from their conversation. */
export interface HookRuntime extends ModelHookContext {
  /** Current value: plugins add hooks. */
  readonly hookConfig: JsonObject | null;
  /** Absolute path. */
  readonly workingDir: string;
  readonly confinement: Confinement;
}

/** The outcome of the hooks for one event. */
export interface HookOutcome {
  /** Events to append before the event that the hooks are about. */
  events: EventDraft[];
  /** The reason, if a hook blocked. */
  blocked?: string;
  /** Context for the agent, one paragraph per hook. */
  context?: string;
}

/**
 * Events that a hook can block. The first hook that blocks ends the sequence; for other events all hooks run.
 */
const BLOCKABLE: readonly HookEventType[] = ['PreToolUse', 'UserPromptSubmit', 'Stop'];
/** Longest text in an event (characters). */
const MAX_EVENT_TEXT = 50_000;
const NO_REASON = 'Blocked by hook';

type HookDraft = Extract<EventDraft, { kind: 'HookExecutionEvent' }>;
type Execution = Pick<HookExecutionEvent, 'success' | 'exit_code' | 'stdout' | 'stderr' | 'error'> & {
  answer: HookDecision;
  blocked: boolean;
  usage: EventDraft[];
};

/** Runs the hooks of one conversation and reports their outcome. */
export class Hooks {
  private readonly logger = new Logger('Hooks');
  /** Created on first use: most conversations have no hooks. */
  private closeController: AbortController | undefined;
  /** Hooks that run in the background. */
  private backgroundHooks: Set<Promise<void>> | undefined;

  constructor(
    private readonly context: HookRuntime,
    private readonly llm: Llm,
  ) {}

  /** Whether any hook is configured for this event type. */
  has(type: HookEventType): boolean {
    return hasHooks(this.context.hookConfig, type);
  }

  /**
   * Runs the hooks for one event in sequence.
   * @throws the reason of the signal once it is aborted; running commands are killed
   */
  async run(call: HookCall, signal: AbortSignal): Promise<HookOutcome> {
    const hooks = hooksFor(this.context.hookConfig, call.type, call.toolName);
    const input =
      hooks.length > 0 ? hookInput(call, this.context.conversationId, this.context.workingDir) : {};
    const outcome: HookOutcome = { events: [] };
    const contexts: string[] = [];
    for (const hook of hooks) {
      const execution = await traced(
        `hook ${call.type}`,
        () => hookSpan(hook, call, this.context.conversationId),
        (span) => this.executeTraced(hook, call, input, { signal, span }),
      );
      outcome.events.push(...execution.usage, eventOf(hook, call, input, execution));
      const { context, reason } = execution.answer;
      if (context !== undefined && context !== '') contexts.push(truncateMiddle(context, MAX_EVENT_TEXT));
      if (!execution.blocked || !BLOCKABLE.includes(call.type)) continue;
      const why = call.type === 'Stop' ? (context ?? reason) : reason;
      outcome.blocked = truncateMiddle(why ?? (execution.stderr.trim() || NO_REASON), MAX_EVENT_TEXT);
      break;
    }
    if (contexts.length > 0) outcome.context = contexts.join('\n');
    return outcome;
  }

  /** Stops background hooks. */
  async close(): Promise<void> {
    (this.closeController ??= new AbortController()).abort();
    if (this.backgroundHooks) await Promise.all(this.backgroundHooks);
  }

  private async executeTraced(
    hook: HookDefinition,
    call: HookCall,
    input: JsonObject,
    { signal, span }: { signal: AbortSignal; span: Span },
  ): Promise<Execution> {
    const execution = await this.execute(hook, call, input, signal);
    const { blocked, success, exit_code } = execution;
    span.set({ 'openhands.hook.blocked': blocked, 'openhands.hook.exit_code': exit_code });
    if (!success && !blocked) span.fail('HookError');
    return execution;
  }

  private async execute(
    hook: HookDefinition,
    call: HookCall,
    input: JsonObject,
    signal: AbortSignal,
  ): Promise<Execution> {
    if (hook.type !== 'command') return this.runModelHook(hook, input, signal);
    // At the end of a session there is no later: wait for the hook.
    if (hook.async && call.type !== 'SessionEnd') return this.startInBackground(hook, call, input);
    const result = await this.runHookCommand(hook, call, input, signal);
    const answer = parseCommandOutput(result.stdout);
    if (result.exitCode !== 0 && result.exitCode !== 2) this.logFailure(hook, call, result);
    return {
      success: result.exitCode === 0,
      blocked: answer.denies || result.exitCode === 2,
      exit_code: result.exitCode,
      stdout: result.stdout,
      stderr: result.stderr,
      error: result.error,
      answer,
      usage: [],
    };
  }

  private async runModelHook(
    hook: HookDefinition,
    input: JsonObject,
    signal: AbortSignal,
  ): Promise<Execution> {
    const { answer, usage, error } = await askModel(
      hook,
      input,
      { llm: this.llm, host: this.context },
      signal,
    );
    const quiet = { exit_code: 0, stdout: '', stderr: '' };
    return { success: error === undefined, blocked: answer.denies, ...quiet, error, answer, usage };
  }

  /** The event can only report that the hook was started. */
  private startInBackground(hook: HookDefinition, call: HookCall, input: JsonObject): Execution {
    const { signal } = (this.closeController ??= new AbortController());
    const behind = (this.backgroundHooks ??= new Set());
    const done = this.runHookCommand(hook, call, input, signal)
      .then((result) => {
        if (result.exitCode !== 0) this.logFailure(hook, call, result);
      })
      .catch(() => undefined)
      .finally(() => behind.delete(done));
    behind.add(done);
    return {
      success: true,
      blocked: false,
      exit_code: 0,
      stdout: '',
      stderr: '',
      answer: { denies: false },
      usage: [],
    };
  }

  private runHookCommand(hook: HookDefinition, call: HookCall, input: JsonObject, signal: AbortSignal) {
    const { confinement, conversationId, workingDir } = this.context;
    const env = {
      OPENHANDS_PROJECT_DIR: workingDir,
      OPENHANDS_SESSION_ID: conversationId,
      OPENHANDS_EVENT_TYPE: call.type,
      ...(call.toolName === undefined ? {} : { OPENHANDS_TOOL_NAME: call.toolName }),
    };
    const { command, timeout: timeoutSeconds } = hook;
    const stdin = JSON.stringify(input);
    return runCommand({ command, cwd: workingDir, env, stdin, timeoutSeconds, confinement }, signal);
  }

  /** The command itself is not logged: it may contain secrets. */
  private logFailure(
    hook: HookDefinition,
    { type }: HookCall,
    result: { exitCode: number; error?: string },
  ): void {
    const name = hook.name === null ? '' : ` ${hook.name}`;
    const how = result.error ?? `exit code ${result.exitCode}`;
    this.logger.warn(
      `conversation ${this.context.conversationId}: the ${type} hook${name} failed: ${errorMessage(how)}`,
    );
  }
}

/** The command is not part of it: it may contain secrets. */
function hookSpan(hook: HookDefinition, { type, toolName }: HookCall, conversationId: string): SpanOptions {
  return {
    attributes: {
      'openhands.hook.type': type,
      'openhands.hook.name': hook.name ?? undefined,
      'gen_ai.tool.name': toolName,
      'gen_ai.conversation.id': conversationId,
      'session.id': conversationId,
    },
  };
}

function eventOf(hook: HookDefinition, call: HookCall, input: JsonObject, execution: Execution): HookDraft {
  const { answer, success, blocked, exit_code, stdout, stderr, error } = execution;
  return {
    source: 'hook',
    hook_event_type: call.type,
    hook_command: truncateMiddle(hook.type === 'command' ? hook.command : hookLabel(hook), MAX_EVENT_TEXT),
    tool_name: call.toolName,
    success,
    blocked,
    exit_code,
    stdout,
    stderr,
    reason: answer.reason === undefined ? undefined : truncateMiddle(answer.reason, MAX_EVENT_TEXT),
    additional_context:
      answer.context === undefined ? undefined : truncateMiddle(answer.context, MAX_EVENT_TEXT),
    error,
    action_id: call.actionId,
    message_id: call.messageId,
    hook_input: inputForEvent(call, input),
    kind: 'HookExecutionEvent',
  };
}
