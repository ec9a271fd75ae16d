import { SANDBOX_MODES, type SandboxMode } from '../../sandbox/index.js';
import type { ConversationState } from './conversation-state.js';

/** The mode of the sandbox that a conversation has asked for; `off` if it has asked for none. */
export function requestedSandbox({ rest }: Pick<ConversationState, 'rest'>): SandboxMode {
  return SANDBOX_MODES.find((mode) => mode === rest['sandbox']) ?? 'off';
}
