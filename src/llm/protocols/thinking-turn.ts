import { isClaudeBlock, type Message } from '../../events/index.js';

/**
 * Whether Claude may be told to think by a budget: the turn that is not over has to begin with its own
 * thinking, or the request is refused
 * (https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking, "Toggling thinking modes"). A turn
 * that another model began, or that began without thinking, is ended without; the next may think again.
 */
export function canThink(messages: readonly Message[]): boolean {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const first = messages.slice(asked + 1).find(({ role }) => role === 'assistant');
  return first === undefined || first.thinking_blocks.some(isClaudeBlock);
}

/** The dialogue without what was thought: for requests in which Claude does not think. */
export function withoutThinking(messages: readonly Message[]): Message[] {
  return messages.map((message) => ({ ...message, thinking_blocks: [] }));
}
