import type { ActionEvent, DurableEvent, EventDraft, ExecutionStatus } from '../events/index.js';
import type { LlmDelta, LlmResponse } from '../llm/llm.js';
import type { Tool } from '../tools/tool.js';
import type { JsonObject } from '../json/index.js';
import type { AgentSpec } from './agent-spec.js';
import type { AgentView } from './agent-view.js';
import type { Hooks } from './hooks/hooks.js';

/** The run that a session belonged to is over: whoever still works for it stops here. */
export class RunOverError extends Error {
  override readonly name = 'RunOverError';
  constructor() {
    super('the run is over');
  }
}

/**
 * What one run may see of its conversation and do to it. Every effect carries the run's right to act: once
 * the run is interrupted or has lost its lease, `append` throws `RunOverError` and nothing more of it reaches
 * the log.
 */
export interface AgentSession {
  readonly conversationId: string;
  /** The agent as it is now: it can change between two steps. */
  readonly agent: AgentSpec;
  readonly view: AgentView;
  readonly status: ExecutionStatus;
  readonly maxIterations: number;
  readonly stuckDetection: boolean;
  /** Why no model may be asked any more: all that was to be spent is spent. Undefined: there is some left. */
  readonly budgetExceeded: string | undefined;
  readonly confirmationPolicy: JsonObject & { kind: string };
  readonly securityAnalyzer: (JsonObject & { kind: string }) | null;
  readonly hooks: Hooks;
  /** Why hooks have blocked actions and messages, by their ids. */
  readonly blockedActions: Readonly<Record<string, string>>;
  readonly blockedMessages: Readonly<Record<string, string>>;
  readonly lastUserMessageId: string | null;
  /** What the agent keeps of its own from step to step; `agent_state` events change it. */
  readonly agentState: JsonObject;
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal;
  /** Somebody asked the run to stop after this step. */
  readonly pauseRequested: boolean;
  /** The user said something since the step began. */
  readonly hasNewUserMessage: boolean;
  /** The tools of this conversation by name, in the order the model is told of them. */
  tools(): ReadonlyMap<string, Tool>;
  /** The event as everybody may see it: without secret values. */
  maskDraft(draft: EventDraft): EventDraft;
  /** Appends events in order with one flush; resolves with them when they are durable. */
  append(...drafts: EventDraft[]): Promise<DurableEvent[]>;
  /**
   * A tool has done its work, but its result is not in the log yet: hooks have their say first, and so have
   * the actions before it. An interrupt in between puts the result into the log: what was done is never
   * called interrupted.
   * @param files absolute paths of what it touched
   */
  keepResult(action: ActionEvent, draft: EventDraft, files: readonly string[]): void;
  /**
   * Appends the result of an action, with the rules for the files that it touched.
   * @param files absolute paths
   */
  appendResult(draft: EventDraft, files: readonly string[]): Promise<DurableEvent[]>;
  /** Appends the status if it is another one, and what follows from it. */
  setStatus(status: ExecutionStatus, ...consequences: EventDraft[]): Promise<void>;
  /** A step begins: what the user says from now on comes during it. */
  beginStep(): void;
  /**
   * The agent has done what it was asked. A message that came during the step keeps the run going: nobody
   * gets to see the conversation finished in between.
   */
  finish(): Promise<void>;
  /** Pauses the conversation: status, then the event. */
  pause(): Promise<void>;
  /** Counts an answer into the conversation's statistics; the answer is the event that says so. */
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
  /** Whether files of the workspace have changed, or commits were made, since the conversation began. */
  workspaceChanged(): Promise<boolean>;
  /** Opens an item that is being written: `itemId` is the id of the event that it will become. */
  stream(itemId: string): ItemStream;
}

/** What runs in a conversation: the built-in agent loop or an ACP agent. */
export interface AgentDriver {
  /** Executes one run. Failures end in the conversation's status and an event. Rejects only if the log fails. */
  run(session: AgentSession): Promise<void>;
}

/** An answer on its way to those who watch it being written. */
export interface ItemStream {
  delta(delta: LlmDelta): void;
  /** Nothing more comes; the event follows. */
  end(): void;
  /** What was streamed is void; another attempt may follow. */
  abort(reason: string): void;
}
