import { type AgentSpec, PromptFileError, readPromptFiles, type PromptFiles } from '../../agent/index.js';
import { UnusablePromptError } from '../conversation-errors.js';
import type { ConversationServices } from '../conversation/conversation-services.js';

/**
 * Reads the files of an agent's system prompt. Relative paths are resolved against the server's base folder.
 * @param owner name of the conversation in log lines
 * @param location path of the agent in the request, starting with `body`; empty outside of requests
 * @throws UnusablePromptError for a file that cannot be used
 */
export async function loadPromptFiles(
  agent: AgentSpec,
  { config, context }: Pick<ConversationServices, 'config' | 'context'>,
  owner: string,
  location: string[] = [],
): Promise<PromptFiles> {
  try {
    return await readPromptFiles(agent, { base: config.base_dir }, context.warn(owner));
  } catch (error) {
    if (!(error instanceof PromptFileError)) throw error;
    const { field, message } = error;
    throw new UnusablePromptError(location.length > 0 ? [...location, field] : [], message, agent[field]);
  }
}
