/** What was asked of the browser cannot be done; the message is for the model. */
export class BrowserError extends Error {
  override readonly name = 'BrowserError';
}
