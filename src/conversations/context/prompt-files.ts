import os from 'node:os';
import { type AgentSpec, PromptFileError, readPromptFiles, type PromptFiles } from '../../agent/index.js';
import { UnusablePromptError } from '../conversation-errors.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import { isOwnKeys } from '../owners/own-key-rules.js';
import type { ConversationState } from '../state/conversation-state.js';

/**
 * Reads the files of an agent's system prompt. Relative paths are resolved against the server's base folder.
 * What the user who runs the server has made is not for keys that reach their own conversations only.
 * @param location path of the agent in the request, starting with `body`; empty outside of requests
 * @throws UnusablePromptError for a file that cannot be used
 */
export async function loadPromptFiles(
  agent: AgentSpec,
  { config, context }: Pick<ConversationServices, 'config' | 'context'>,
  state: Pick<ConversationState, 'id' | 'workspace_root'>,
  location: string[] = [],
): Promise<PromptFiles> {
  try {
    const folders = { base: config.base_dir, home: isOwnKeys(state) ? null : os.homedir() };
    return await readPromptFiles(agent, folders, context.warn(`conversation ${state.id}`));
  } catch (error) {
    if (!(error instanceof PromptFileError)) throw error;
    const { field, message } = error;
    throw new UnusablePromptError(location.length > 0 ? [...location, field] : [], message, agent[field]);
  }
}
