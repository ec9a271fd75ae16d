/** Both places have a conversation, a document or a history under one name that differ. */
export class DifferentCopyError extends Error {
  override readonly name = 'DifferentCopyError';
}

/** Another server holds a conversation. */
export class ConversationHeldError extends Error {
  override readonly name = 'ConversationHeldError';
}
