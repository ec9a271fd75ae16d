import { createHash } from 'node:crypto';

/** A signature of Claude. It is valid only for this thinking, on every service of the model. */
export function claudeSignature(thinking: string): string {
  return `Er${createHash('sha256').update(`claude ${thinking}`).digest('base64')}`;
}

/** Redacted thinking, which only Claude can read. */
export function redacted(thinking: string): string {
  return `EmwK${createHash('sha256').update(`redacted ${thinking}`).digest('base64')}`;
}

/** Whether a text is redacted thinking of Claude. */
function isRedacted(data: string): boolean {
  return data.startsWith('EmwK') && Buffer.from(data.slice(4), 'base64').length === 32;
}

/** A block of a history, reduced to what the rules of Claude check. */
export type ClaudeBlock =
  | { type: 'thinking'; thinking: string; signature: string | undefined }
  | { type: 'redacted'; data: string }
  | { type: 'call'; id: string }
  | { type: 'result'; id: string }
  | { type: 'other' };

export interface ClaudeMessage {
  role: 'user' | 'assistant';
  blocks: ClaudeBlock[];
}

/** The error with which Claude refuses a history; undefined if it is valid. */
export function claudeFault(messages: readonly ClaudeMessage[], thinks: boolean): string | undefined {
  if (messages[0]?.role !== 'user') return 'messages: first message must use the "user" role';
  return (
    emptyFault(messages) ??
    signatureFault(messages) ??
    pairingFault(messages) ??
    (thinks ? firstBlockFault(messages) : undefined)
  );
}

function emptyFault(messages: readonly ClaudeMessage[]): string | undefined {
  const at = messages.findIndex(({ blocks }) => blocks.length === 0);
  return at < 0 ? undefined : `messages.${at}: all messages must have non-empty content`;
}

function signatureFault(messages: readonly ClaudeMessage[]): string | undefined {
  for (const [index, { role, blocks }] of messages.entries()) {
    for (const [place, block] of blocks.entries()) {
      const at = `messages.${index}.content.${place}`;
      if (block.type === 'thinking' || block.type === 'redacted') {
        if (role !== 'assistant') return `${at}: thinking blocks may only be in assistant messages`;
        const genuine =
          block.type === 'thinking'
            ? block.signature === claudeSignature(block.thinking)
            : isRedacted(block.data);
        if (!genuine) return `${at}: Invalid \`signature\` in \`thinking\` block`;
      }
    }
  }
  return undefined;
}

/**
 * Each call has its result in the next message, each result its call in the previous one, and ids are unique.
 */
function pairingFault(messages: readonly ClaudeMessage[]): string | undefined {
  const seen = new Set<string>();
  for (const [index, { blocks }] of messages.entries()) {
    const calls = idsOf(blocks, 'call');
    if (new Set([...seen, ...calls]).size !== seen.size + calls.length) {
      return `messages.${index}: \`tool_use\` ids must be unique`;
    }
    for (const id of calls) seen.add(id);
    const answered = idsOf(messages[index + 1]?.blocks ?? [], 'result');
    const open = calls.filter((id) => !answered.includes(id));
    if (open.length > 0) {
      return (
        `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
        `${open.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
      );
    }
    const results = idsOf(blocks, 'result');
    const stray = results.find((id) => !idsOf(messages[index - 1]?.blocks ?? [], 'call').includes(id));
    if (stray !== undefined || new Set(results).size !== results.length) {
      return (
        `messages.${index}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray ?? ''}. Each ` +
        '`tool_result` block must have a corresponding `tool_use` block in the previous message.'
      );
    }
  }
  return undefined;
}

function idsOf(blocks: readonly ClaudeBlock[], type: 'call' | 'result'): string[] {
  return blocks.flatMap((block) => (block.type === type && 'id' in block ? [block.id] : []));
}

/** With a thinking budget the current turn has to begin with thinking. */
function firstBlockFault(messages: readonly ClaudeMessage[]): string | undefined {
  const asked = messages.findLastIndex(
    ({ role, blocks }) => role === 'user' && blocks.some(({ type }) => type === 'other'),
  );
  const first = messages[asked + 1]?.blocks[0]?.type;
  if (first === undefined || first === 'thinking' || first === 'redacted') return undefined;
  return (
    `messages.${asked + 1}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`. When ` +
    '`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of ' +
    '`tool_use` and `tool_result` blocks).'
  );
}
