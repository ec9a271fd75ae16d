/** Why a conversation cannot be replayed; the message is for the operator. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
}
