/** A patch that cannot be applied; the message is for the model. */
export class PatchError extends Error {
  override readonly name = 'PatchError';
}
