import type { AgentSpec } from '../../agent/agent-spec.js';
import { PromptFileError, readPromptFiles, type PromptFiles } from '../../agent/prompt/prompt-files.js';
import { UnusablePromptError } from '../conversation-errors.js';
import type { ConversationServices } from '../conversation/conversation-services.js';

/**
 * Reads what the prompt of an agent takes from files; relative paths are taken from the folder of the server.
 * @param owner what the log calls the conversation
 * @param location path of the agent in the request, `body` first
 * @throws UnusablePromptError for a file that the agent names and that cannot be used
 */
export async function loadPromptFiles(
  agent: AgentSpec,
  { context, baseDir }: Pick<ConversationServices, 'context' | 'baseDir'>,
  owner: string,
  location: string[] = [],
): Promise<PromptFiles> {
  try {
    return await readPromptFiles(agent, { base: baseDir }, context.warn(owner));
  } catch (error) {
    if (!(error instanceof PromptFileError)) throw error;
    const { field, message } = error;
    throw new UnusablePromptError(location.length > 0 ? [...location, field] : [], message, agent[field]);
  }
}
