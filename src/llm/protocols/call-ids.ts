import { createHash } from 'node:crypto';
import type { Message, MessageToolCall } from '../../events/index.js';
import { splitThoughtSignature, withThoughtSignature } from './thought-signature.js';

/** The form of tool call ids that a provider accepts. */
export interface CallIdForm {
  pattern: RegExp;
  /** Length of replacement ids, which consist of letters and digits. */
  length: number;
  /** Whether ids must be unique in a dialogue. */
  unique: boolean;
}

/** OpenAI's chat completions accept up to 40 characters of any kind. */
export const ANY_CALL_ID: CallIdForm = { pattern: /^[\x21-\x7e]{1,40}$/, length: 32, unique: false };
/**
 * Anthropic's and AWS's form
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html).
 */
export const CLAUDE_CALL_ID: CallIdForm = { pattern: /^[a-zA-Z0-9_-]{1,64}$/, length: 32, unique: true };
/** Mistral requires exactly nine letters or digits. */
export const MISTRAL_CALL_ID: CallIdForm = { pattern: /^[a-zA-Z0-9]{9}$/, length: 9, unique: false };

/**
 * Replaces the ids of tool calls that the provider does not accept: those in the form of another provider,
 * and for some providers those that occur twice because a model numbers its calls anew in each answer. The
 * new id depends only on the old one and on what precedes it, so each request repeats it and prompt caches
 * stay valid. Messages that do not change stay the same objects.
 */
export function withCallIds(messages: readonly Message[], form: CallIdForm): readonly Message[] {
  if (!form.unique && messages.every((message) => hasAcceptedIds(message, form))) return messages;
  const taken = new Set<string>();
  let newIds: ReadonlyMap<string, string> = NO_IDS;
  return messages.map((message): Message => {
    const { tool_calls: calls, tool_call_id: id } = message;
    if (calls?.length) {
      const accepted = calls.map((call) => acceptedCall(call, form, taken));
      const isSame = accepted.every((call, index) => call === calls[index]);
      newIds = isSame
        ? NO_IDS
        : new Map(calls.map((call, index) => [call.id, accepted[index]?.id ?? call.id]));
      return isSame ? message : { ...message, tool_calls: accepted };
    }
    const newId = id === undefined ? undefined : newIds.get(id);
    return newId === undefined || newId === id ? message : { ...message, tool_call_id: newId };
  });
}

const NO_IDS: ReadonlyMap<string, string> = new Map();

function hasAcceptedIds({ tool_calls: calls = [] }: Message, { pattern }: CallIdForm): boolean {
  return calls.every(({ id }) => pattern.test(splitThoughtSignature(id).id));
}

function acceptedCall(call: MessageToolCall, form: CallIdForm, taken: Set<string>): MessageToolCall {
  const { id, signature } = splitThoughtSignature(call.id);
  let accepted = id;
  for (let round = 0; !form.pattern.test(accepted) || (form.unique && taken.has(accepted)); round++) {
    accepted = createHash('sha256').update(`${round} ${id}`).digest('hex').slice(0, form.length);
  }
  taken.add(accepted);
  const whole = withThoughtSignature(accepted, signature);
  return whole === call.id ? call : { ...call, id: whole };
}
