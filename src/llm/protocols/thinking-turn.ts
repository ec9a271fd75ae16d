import { isClaudeBlock, type Message } from '../../events/index.js';

/**
 * Whether a thinking budget may be set: the current turn has to begin with Claude's own thinking, or the
 * request is rejected (https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking, "Toggling
 * thinking modes"). A turn that began without it ends without it; the next one may think again.
 */
export function canThink(messages: readonly Message[]): boolean {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const first = messages.slice(asked + 1).find(({ role }) => role === 'assistant');
  return first === undefined || first.thinking_blocks.some(isClaudeBlock);
}

/** The dialogue without thinking blocks, for requests in which Claude does not think. */
export function withoutThinking(messages: readonly Message[]): Message[] {
  return messages.map((message) => ({ ...message, thinking_blocks: [] }));
}
