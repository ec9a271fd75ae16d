import type { ActionEvent, DurableEvent, EventDraft, ExecutionStatus } from '../events/index.js';
import type { LlmDelta, LlmResponse } from '../llm/index.js';
import type { Tool, ToolResource } from '../tools/index.js';
import type { JsonObject } from '../json/index.js';
import type { AgentSpec } from './agent-spec.js';
import type { AgentView } from './agent-view.js';
import type { Hooks } from './hooks/hooks.js';

/** The run has ended: code that still works for it must stop. */
export class RunOverError extends Error {
  override readonly name = 'RunOverError';
  constructor() {
    super('the run is over');
  }
}

/** What a run does at the moment. Names are the API's. */
export interface RunActivity {
  kind: 'starting' | 'model' | 'tool' | 'hook' | 'condensation';
  /** The tool that is executed, or the kind of the hook. */
  tool: string | null;
  /** The number of the step in this run, from 1; 0 while the run is prepared. */
  step: number;
  /** UTC. */
  since: string;
}

/**
 * What a run can read and change in its conversation. Once the run is interrupted or has lost its lease,
 * `append` throws `RunOverError`, so nothing more of it reaches the log.
 */
export interface AgentSession {
  readonly conversationId: string;
  /** The current configuration of the agent. It can change between two steps. */
  readonly agent: AgentSpec;
  readonly view: AgentView;
  readonly status: ExecutionStatus;
  readonly maxIterations: number;
  readonly stuckDetection: boolean;
  /** Resolves when `budgetExceeded` says what holds now. */
  settleBudget(): Promise<void>;
  /** Why no model may be called any more: the budget is spent. Undefined while there is budget left. */
  readonly budgetExceeded: string | undefined;
  /** The events that say which budgets are nearly spent, each once. */
  budgetWarnings(): EventDraft[];
  readonly confirmationPolicy: JsonObject & { kind: string };
  readonly securityAnalyzer: (JsonObject & { kind: string }) | null;
  readonly hooks: Hooks;
  /** Reasons why hooks blocked actions and messages, by their ids. */
  readonly blockedActions: Readonly<Record<string, string>>;
  readonly blockedMessages: Readonly<Record<string, string>>;
  readonly lastUserMessageId: string | null;
  /** State that the agent keeps between steps; `agent_state` events change it. */
  readonly agentState: JsonObject;
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal;
  /** Whether a pause was requested: the run then stops after this step. */
  readonly pauseRequested: boolean;
  /** Whether the user has sent a message since the step began. */
  readonly hasNewUserMessage: boolean;
  /** The tools of this conversation by name, in the order in which the model is given them. */
  tools(): ReadonlyMap<string, Tool>;
  /** The event with secret values masked. */
  maskDraft(draft: EventDraft): EventDraft;
  /** Appends events in order with one flush. Resolves when they are durable. */
  append(...drafts: EventDraft[]): Promise<DurableEvent[]>;
  /**
   * Keeps the result of an action until `appendResult` appends it, after its hooks and the results of earlier
   * actions. If the run is interrupted before that, this result is appended and not an error that says that
   * the action was interrupted.
   * @param files absolute paths of files that the tool touched
   */
  keepResult(action: ActionEvent, draft: EventDraft, files: readonly string[]): void;
  /**
   * Appends the result of an action, with the rules for the files that it touched.
   * @param files absolute paths
   */
  appendResult(draft: EventDraft, files: readonly string[]): Promise<DurableEvent[]>;
  /** Appends the status if it changed, followed by the given events. */
  setStatus(status: ExecutionStatus, ...consequences: EventDraft[]): Promise<void>;
  /** Tells people what the run does from now on. @param tool its tool, or the kind of its hook */
  report(kind: RunActivity['kind'], tool?: string): void;
  /** Marks the beginning of a step: later messages of the user arrive during it. */
  beginStep(): void;
  /**
   * Sets the status to `finished`, unless a message arrived during the step: the run then continues and
   * clients never see the conversation finished in between.
   */
  finish(): Promise<void>;
  /** Appends the status `paused` and the `PauseEvent`. */
  pause(): Promise<void>;
  /** Adds an answer to the conversation's statistics. Returns the event that reports them. */
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
  /** Whether files of the workspace changed or commits were made since the conversation began. */
  workspaceChanged(): Promise<boolean>;
  /** Opens a stream for an answer that is being generated. `itemId` is the id of the future event. */
  stream(itemId: string): ItemStream;
  /**
   * Keeps what an action may change, before it does. Resolves when that is done; never rejects.
   * @param changes the files that it names, or everything in the workspace
   */
  beforeChanges(action: ActionEvent, changes: readonly ToolResource[] | 'any'): Promise<void>;
  /** The action, and the hooks after it, are done. What they have changed is recorded meanwhile. */
  afterChanges(action: ActionEvent): void;
  /** Opens a stream for what an action prints while it is executed. Undefined: nobody can see it. */
  output(actionId: string): OutputStream | undefined;
}

/** What runs in a conversation: the built-in agent loop or an ACP agent. */
export interface AgentDriver {
  /** Executes one run. Failures set the status and append an event; it rejects only if the log fails. */
  run(session: AgentSession): Promise<void>;
}

/** The stream of what an action prints, to clients that watch it being executed. */
export interface OutputStream {
  /** @param bytes UTF-8, may end within a character. Secrets are not masked yet. Must not be changed. */
  write(bytes: Buffer): void;
  /** The action has ended; its result follows. */
  end(): void;
}

/** The stream of an answer to clients that watch it being generated. */
export interface ItemStream {
  delta(delta: LlmDelta): void;
  /** The answer is complete; its event follows. */
  end(): void;
  /** What was streamed is invalid; another attempt may follow. */
  abort(reason: string): void;
}
