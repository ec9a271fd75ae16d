import type { RestoreConflict } from '../checkpoints/index.js';
import type { LimitReachedError } from '../limits/index.js';
import { ConflictError, DomainError, InvalidRequestError, type SocketError } from '../errors/index.js';

/** What sockets tell about a conversation that takes no messages, in the original's words. */
const INACTIVE = { code: 'ValueError', detail: 'inactive_service' };

/** There is no conversation with this id. */
export class ConversationNotFoundError extends DomainError {
  override readonly name = 'ConversationNotFoundError';
  readonly kind = 'not-found';
  override readonly summary: string;
  override readonly socketError = INACTIVE;
  constructor(
    readonly conversationId: string,
    /** Its role in the request, if the wire names it: `Source conversation`. */
    role?: string,
  ) {
    super(`${role ?? 'Conversation'} not found: ${conversationId}`);
    this.summary = role === undefined ? 'Not Found' : `${role} not found`;
  }
}

/** The key of the request may not do this; the message says what, and what it may do instead. */
export class ForbiddenError extends DomainError {
  override readonly name = 'ForbiddenError';
  readonly kind = 'forbidden';
}

/** A request names an event that the conversation does not have. */
export class UnknownEventError extends DomainError {
  override readonly name = 'UnknownEventError';
  readonly kind = 'not-found';
  constructor(
    /** The field of the request. */
    field: string,
    eventId: string,
  ) {
    super(`Unknown ${field}: ${eventId}`);
  }
}

/** The requested id belongs to another conversation. */
export class ConversationExistsError extends ConflictError {
  override readonly name = 'ConversationExistsError';
  constructor(conversationId: string) {
    super(`Conversation with id ${conversationId} already exists`);
  }
}

/** A run is active already. */
export class AlreadyRunningError extends ConflictError {
  override readonly name = 'AlreadyRunningError';
  constructor() {
    super('Conversation already running. Wait for completion or pause first.');
  }
}

/** A goal cannot start while a run or another goal is active. */
export class GoalBusyError extends ConflictError {
  override readonly name = 'GoalBusyError';
  constructor() {
    super('Conversation run or goal loop already running.');
  }
}

/** The objective is empty, there is no goal to resume, or the agent cannot pursue one. */
export class GoalRefusedError extends DomainError {
  override readonly name = 'GoalRefusedError';
  readonly kind = 'rejected';
}

/** The budget of the conversation is used up. */
export class BudgetSpentError extends ConflictError {
  override readonly name = 'MaxBudgetReached';
}

/** The history cannot be condensed. */
export class CannotCondenseError extends ConflictError {
  override readonly name = 'CannotCondenseError';
  constructor(reason: string) {
    super(`Cannot condense conversation: ${reason}`);
  }
}

/** The agent needs a credential binding, which clients have to renew after each start of the server. */
export class CredentialBindingRequiredError extends ConflictError {
  override readonly name = 'CredentialBindingRequiredError';
  override readonly isRetryable = true;
  constructor() {
    super('credential_binding_activation_required');
  }
}

/** No step of this number has changed files, or it was dropped. */
export class UnknownCheckpointError extends DomainError {
  override readonly name = 'UnknownCheckpointError';
  readonly kind = 'not-found';
  constructor(step: number | string) {
    super(`No checkpoint: ${step}`);
  }
}

/** A checkpoint does not have the content of a file. */
export class UnknownFileError extends DomainError {
  override readonly name = 'UnknownFileError';
  readonly kind = 'not-found';
  constructor(file: string) {
    super(`The checkpoint has no content of ${file}`);
  }
}

/** Files are not as the steps of the agent have left them. */
export class RestoreConflictError extends ConflictError {
  override readonly name = 'RestoreConflictError';
  constructor(readonly conflicts: readonly RestoreConflict[]) {
    const [first] = conflicts;
    const more = conflicts.length > 1 ? ` and ${conflicts.length - 1} more` : '';
    super(`Files are not as the agent has left them: ${first?.path ?? ''}${more}`);
  }
}

/** The server keeps no checkpoints. */
export class CheckpointsOffError extends ConflictError {
  override readonly name = 'CheckpointsOffError';
  constructor() {
    super('Checkpoints are switched off on this server (checkpoints.enabled)');
  }
}

const RETRY_RUN = 'Retry POST /api/conversations/{id}/run without resending the message.';
const MESSAGE_SAVED = `Message saved, but the conversation run limit was reached. ${RETRY_RUN}`;
const QUEUE_FULL_SECONDS = 30;

/** The maximum number of runs is active. */
export class RunLimitError extends DomainError {
  override readonly name: string = 'RunLimitError';
  readonly kind = 'limit-reached';
  override readonly socketError: SocketError;
  override readonly retryAfterSeconds?: number;
  constructor(
    message = 'Conversation run limit reached. Retry the request later.',
    retryAfterSeconds?: number,
  ) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
    this.socketError = { code: 'ConversationRunLimitExceeded', detail: message };
  }

  /** What the client is told whose message was stored. */
  afterSaving(): RunLimitError {
    return new RunLimitError(MESSAGE_SAVED);
  }
}

/** The key of the conversation has as many runs as it may have. */
export class KeyRunLimitError extends RunLimitError {
  constructor(private readonly reason: LimitReachedError) {
    super(reason.message, reason.retryAfterSeconds);
  }

  override afterSaving(): RunLimitError {
    return new RunLimitError(
      `Message saved, but it starts no run: ${this.message}`,
      this.reason.retryAfterSeconds,
    );
  }
}

/** As many runs wait as may wait. */
export class QueueFullError extends RunLimitError {
  override readonly name = 'QueueFullError';
  /** @param reason how many wait */
  constructor(private readonly reason: string) {
    super(`${reason}. Retry the request later.`, QUEUE_FULL_SECONDS);
  }

  override afterSaving(): RunLimitError {
    return new RunLimitError(
      `Message saved, but its run cannot wait: ${this.reason}. ${RETRY_RUN}`,
      QUEUE_FULL_SECONDS,
    );
  }
}

/** No run of the conversation waits. */
export class NotQueuedError extends DomainError {
  override readonly name = 'NotQueuedError';
  readonly kind = 'not-found';
  constructor() {
    super('No run of this conversation waits');
  }
}

/** The files that a conversation works with are on another host, and servers do not share their files. */
export class WorkspaceElsewhereError extends DomainError {
  override readonly name = 'WorkspaceElsewhereError';
  readonly kind = 'misdirected';
  override readonly socketError: SocketError;
  constructor(
    private readonly id: string,
    private readonly host: string,
    private readonly here: string,
    reason = MOVE_FILES,
  ) {
    super(
      `The workspace of conversation ${id} is on host ${host}, and this server is on host ${here}. ${reason}`,
    );
    this.socketError = { code: this.name, detail: this.message };
  }

  /** The workspace cannot be adopted: its folder does not exist here. */
  withoutFolder(folder: string): WorkspaceElsewhereError {
    const { id, host, here } = this;
    return new WorkspaceElsewhereError(
      id,
      host,
      here,
      `There is no folder ${folder} here: move the files first.`,
    );
  }
}

const MOVE_FILES =
  'Start a server on that host, or move the files here and send POST /api/conversations/{id}/runtime/reprovision.';

/** A tool of an MCP server has the name of another tool. Detected when the server is connected. */
export class ToolNameClashError extends InvalidRequestError {
  override readonly name = 'DuplicateToolError';
  constructor(message: string) {
    super([], message);
  }
}

/** A file that the agent names for its prompt cannot be read, possibly only since the conversation exists. */
export class UnusablePromptError extends InvalidRequestError {
  override readonly name = 'PromptFileError';
}

/** The conversation is being closed, usually because the server is shutting down. */
export class ConversationClosedError extends DomainError {
  override readonly name = 'ConversationClosedError';
  readonly kind = 'unavailable';
  override readonly socketError = INACTIVE;
  constructor() {
    super(INACTIVE.detail);
  }
}

/** The conversation was closed while a message was stored that was to be answered. */
export class MessageUnansweredError extends ConflictError {
  override readonly name = 'MessageUnansweredError';
  constructor() {
    super(
      'Message saved, but the conversation was closed here before its run could start. ' +
        'Retry POST /api/conversations/{id}/run without resending the message.',
    );
  }
}
