/**
 * It cannot be done as things are: another version is meant, or it has to be prepared or stopped first.
 * Answered with 409.
 */
export class BackendRefusedError extends Error {
  override readonly name = 'BackendRefusedError';
}
