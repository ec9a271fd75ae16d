import path from 'node:path';
import type { AppConfig } from '../../config/index.js';
import { SANDBOX_MODES, stricterMode, type ConfinementScope, type SandboxMode } from '../../sandbox/index.js';
import { requestedSandbox } from '../state/conversation-sandbox.js';
import type { ConversationState } from '../state/conversation-state.js';

/** The parts of a state that say how its programs are confined. */
type ConfinedState = Pick<
  ConversationState,
  'created_at' | 'rest' | 'workspace' | 'workspace_root' | 'worktree'
>;

/**
 * What the programs and file tools of a conversation are confined to. With a key that reaches its own only,
 * the folder of the key is writable as a whole: its agents cannot replace that one by a link, as they can a
 * folder below it between a check and a start.
 */
export function confinementScope(
  { created_at, rest, workspace, workspace_root: root, worktree }: ConfinedState,
  { base_dir, own_keys_sandbox }: Pick<AppConfig, 'base_dir' | 'own_keys_sandbox'>,
): ConfinementScope {
  const place = {
    workspace: path.resolve(base_dir, workspace.working_dir),
    since: created_at,
    ...(worktree && { repository: worktree.repository }),
  };
  const mode = requestedSandbox({ rest });
  if (root === undefined) return { ...place, mode };
  return { ...place, root, mode: stricterMode(mode, sandboxOfOwnKeys(own_keys_sandbox)) };
}

/** The mode that conversations of keys of reach `own` have at least. */
export function sandboxOfOwnKeys(name: string): SandboxMode {
  return SANDBOX_MODES.find((mode) => mode === name) ?? 'workspace';
}
