import path from 'node:path';
import type { AppConfig } from '../../config/index.js';
import { SANDBOX_MODES, type ConfinementScope, type SandboxMode } from '../../sandbox/index.js';
import type { ConversationState } from '../state/conversation-state.js';

/** The parts of a state that say how its programs are confined. */
type ConfinedState = Pick<ConversationState, 'workspace' | 'workspace_root'>;

/**
 * What the programs and file tools of a conversation are confined to. With a key that reaches its own only, the
 * folder of the key is writable as a whole: its agents cannot replace that one by a link, as they can a folder
 * below it between a check and a start.
 */
export function confinementScope(
  { workspace, workspace_root: root }: ConfinedState,
  { base_dir, own_keys_sandbox }: Pick<AppConfig, 'base_dir' | 'own_keys_sandbox'>,
): ConfinementScope {
  const folder = path.resolve(base_dir, workspace.working_dir);
  return root === undefined
    ? { workspace: folder }
    : { workspace: folder, root, mode: modeOf(own_keys_sandbox) };
}

function modeOf(name: string): SandboxMode {
  return SANDBOX_MODES.find((mode) => mode === name) ?? 'workspace';
}
