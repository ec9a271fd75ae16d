/** A browser action is not possible. The message is for the model. */
export class BrowserError extends Error {
  override readonly name = 'BrowserError';
}
