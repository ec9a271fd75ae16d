/** Another live server owns the conversation. */
export class LeaseHeldError extends Error {
  override readonly name = 'LeaseHeldError';
  constructor(readonly conversationId: string) {
    super(`Conversation ${conversationId} is owned by another live agent server instance`);
  }
}

/** This server owned the conversation and no longer does; the write was refused. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  constructor(readonly conversationId: string) {
    super('Conversation is owned by another agent server instance; the write was refused');
  }
}

/** An append did not start at the end of the log. */
export class SequenceConflictError extends Error {
  override readonly name = 'SequenceConflictError';
  constructor(expected: number, actual: number) {
    super(`append expected sequence ${expected}, the log is at ${actual}`);
  }
}
