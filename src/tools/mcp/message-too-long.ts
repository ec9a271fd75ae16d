/** A server sent more than is read (10 MB, the limit of the SDK) without coming to the end of a message. */
export class MessageTooLongError extends Error {
  override readonly name = 'MessageTooLongError';
  constructor() {
    super('The MCP server sent a message of more than 10 MB, and was disconnected');
  }
}
