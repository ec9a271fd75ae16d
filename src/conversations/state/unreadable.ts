import { errorMessage } from '../../errors/index.js';
import { DamagedConversationError } from '../../storage/index.js';

/**
 * Why a stored state cannot be shown, for lists, which must not fail for one conversation: it is damaged, has
 * a field of another type, or is nested too deeply. Undefined for any other error.
 */
export function unreadableReason(error: unknown): string | undefined {
  if (error instanceof DamagedConversationError) return error.reason;
  return error instanceof TypeError || error instanceof RangeError ? errorMessage(error) : undefined;
}
