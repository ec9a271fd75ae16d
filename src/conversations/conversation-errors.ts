import { DomainError, InvalidRequestError, type SocketError } from '../errors/index.js';

/** What sockets tell about a conversation that takes no messages, in the original's words. */
const INACTIVE = { code: 'ValueError', detail: 'inactive_service' };

/** No such conversation. */
export class ConversationNotFoundError extends DomainError {
  override readonly name = 'ConversationNotFoundError';
  readonly kind = 'not-found';
  override readonly summary: string;
  override readonly socketError = INACTIVE;
  constructor(
    readonly conversationId: string,
    /** What it was wanted for, where the wire says so: `Source conversation`. */
    role?: string,
  ) {
    super(`${role ?? 'Conversation'} not found: ${conversationId}`);
    this.summary = role === undefined ? 'Not Found' : `${role} not found`;
  }
}

/** A request names an event that the conversation does not have. */
export class UnknownEventError extends DomainError {
  override readonly name = 'UnknownEventError';
  readonly kind = 'not-found';
  constructor(
    /** The field that names it. */
    field: string,
    eventId: string,
  ) {
    super(`Unknown ${field}: ${eventId}`);
  }
}

/** What was asked for does not go together with how the conversation stands. */
export abstract class ConflictError extends DomainError {
  readonly kind = 'conflict';
}

/** An id was asked for that another conversation has. */
export class ConversationExistsError extends ConflictError {
  override readonly name = 'ConversationExistsError';
  constructor(conversationId: string) {
    super(`Conversation with id ${conversationId} already exists`);
  }
}

/** A run was asked for while one is going on. */
export class AlreadyRunningError extends ConflictError {
  override readonly name = 'AlreadyRunningError';
  constructor() {
    super('Conversation already running. Wait for completion or pause first.');
  }
}

/** Work for a goal was asked for while something goes on. */
export class GoalBusyError extends ConflictError {
  override readonly name = 'GoalBusyError';
  constructor() {
    super('Conversation run or goal loop already running.');
  }
}

/** There is no goal to work for. */
export class GoalRefusedError extends DomainError {
  override readonly name = 'GoalRefusedError';
  readonly kind = 'rejected';
}

/** A model was to be asked, and the budget of the conversation is spent. */
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

/** The agent's credential is held by a keeper, and nobody has said where since the server started. */
export class CredentialBindingRequiredError extends ConflictError {
  override readonly name = 'CredentialBindingRequiredError';
  override readonly isRetryable = true;
  constructor() {
    super('credential_binding_activation_required');
  }
}

/** As many runs as the server allows are going on. */
export class RunLimitError extends DomainError {
  override readonly name = 'RunLimitError';
  readonly kind = 'limit-reached';
  override readonly socketError: SocketError;
  constructor(message = 'Conversation run limit reached. Retry the request later.') {
    super(message);
    this.socketError = { code: 'ConversationRunLimitExceeded', detail: message };
  }
}

/**
 * A tool of an MCP server has the name of another tool. Found out when the server is asked, which may be in a
 * run.
 */
export class ToolNameClashError extends InvalidRequestError {
  override readonly name = 'DuplicateToolError';
  constructor(message: string) {
    super([], message);
  }
}

/**
 * A file that the agent names for its prompt cannot be used; it may have gone since the conversation was
 * made.
 */
export class UnusablePromptError extends InvalidRequestError {
  override readonly name = 'PromptFileError';
}

/** The conversation is being closed, as a rule because the server is: nothing more is taken. */
export class ConversationClosedError extends DomainError {
  override readonly name = 'ConversationClosedError';
  readonly kind = 'unavailable';
  override readonly socketError = INACTIVE;
  constructor() {
    super(INACTIVE.detail);
  }
}
