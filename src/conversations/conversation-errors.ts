/** No such conversation. */
export class ConversationNotFoundError extends Error {
  override readonly name = 'ConversationNotFoundError';
  constructor(readonly conversationId: string) {
    super(`Conversation not found: ${conversationId}`);
  }
}

/** A run was asked for while one is going on. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
  constructor() {
    super('Conversation already running. Wait for completion or pause first.');
  }
}

/** As many runs as the server allows are going on. */
export class RunLimitError extends Error {
  override readonly name = 'RunLimitError';
  constructor(message = 'Conversation run limit reached. Retry the request later.') {
    super(message);
  }
}

/** A request names something that cannot be had; answered as a 422 that names the field. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
  constructor(
    /** Path of the field, `body` first. */
    readonly location: (string | number)[],
    message: string,
    readonly input?: unknown,
  ) {
    super(message);
  }
}

/** The server is shutting down or the conversation was deleted: nothing more is taken. */
export class ConversationClosedError extends Error {
  override readonly name = 'ConversationClosedError';
  constructor() {
    super('inactive_service');
  }
}
