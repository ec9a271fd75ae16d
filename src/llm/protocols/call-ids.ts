import { createHash } from 'node:crypto';
import type { Message, MessageToolCall } from '../../events/index.js';
import { allMessages } from '../messages/all-messages.js';
import { splitThoughtSignature, withThoughtSignature } from './answer.js';

/** Which ids of tool calls a provider takes. */
export interface CallIdForm {
  pattern: RegExp;
  /** Characters of an id that is made in the place of one that it would refuse; letters and digits only. */
  length: number;
  /** Whether an id may not come twice in a dialogue. */
  unique: boolean;
}

/** OpenAI's chat completions take 40 characters at most, whatever they are. */
export const ANY_CALL_ID: CallIdForm = { pattern: /^[\x21-\x7e]{1,40}$/, length: 32, unique: false };
/**
 * Anthropic and AWS (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html).
 */
export const CLAUDE_CALL_ID: CallIdForm = { pattern: /^[a-zA-Z0-9_-]{1,64}$/, length: 32, unique: true };
/** Mistral wants exactly nine letters or digits. */
export const MISTRAL_CALL_ID: CallIdForm = { pattern: /^[a-zA-Z0-9]{9}$/, length: 9, unique: false };

/**
 * The dialogue with ids of calls that the provider takes: one from another provider may have a form that this
 * one refuses, and some models count their calls anew in each answer, which others refuse. An id that fits
 * and is the first of its name stays; the others become the same ones in every request, so that caches go on
 * to fit.
 */
export function withCallIds(messages: readonly Message[], form: CallIdForm): readonly Message[] {
  // Where an id may come only once it depends on what was before.
  if (!form.unique && haveFittingIds(form)(messages)) return messages;
  const taken = new Set<string>();
  let latest = NO_CHANGES;
  return messages.map((message): Message => {
    if (message.tool_calls?.length) {
      const fitting = fittingCalls(message, form, taken);
      latest = fitting.changes;
      return fitting.message;
    }
    const id = latest.size > 0 ? message.tool_call_id : undefined;
    const changed = id === undefined ? undefined : latest.get(id);
    return changed === undefined ? message : { ...message, tool_call_id: changed };
  });
}

interface Fitting {
  /** The same object where nothing changes: what was made of it can be used again. */
  message: Message;
  /** The new ids by the old ones. */
  changes: ReadonlyMap<string, string>;
}

const NO_CHANGES: ReadonlyMap<string, string> = new Map();

const tests = new WeakMap<CallIdForm, (messages: readonly Message[]) => boolean>();

/** Whether nothing is to be changed in a dialogue for this form. */
function haveFittingIds(form: CallIdForm): (messages: readonly Message[]) => boolean {
  const known = tests.get(form);
  if (known) return known;
  const test = allMessages((message) => fittingCalls(message, form, new Set()).changes.size === 0);
  tests.set(form, test);
  return test;
}

/** What is known of messages, by form: a dialogue asks for the same ones again at every step. */
const known = new WeakMap<CallIdForm, WeakMap<Message, Fitting>>();

function fittingCalls(message: Message, form: CallIdForm, taken: Set<string>): Fitting {
  if (form.unique) return renamedCalls(message, form, taken);
  const ofForm = known.get(form) ?? new WeakMap<Message, Fitting>();
  known.set(form, ofForm);
  const before = ofForm.get(message);
  if (before) return before;
  const fitting = renamedCalls(message, form, taken);
  ofForm.set(message, fitting);
  return fitting;
}

function renamedCalls(message: Message, form: CallIdForm, taken: Set<string>): Fitting {
  const before = message.tool_calls ?? [];
  const changes = new Map<string, string>();
  const calls = before.map((call) => renamed(call, form, taken));
  for (const [index, { id }] of before.entries()) {
    const changed = calls[index]?.id ?? id;
    if (changed !== id || changes.has(id)) changes.set(id, changed);
  }
  if (changes.size === 0) return { message, changes: NO_CHANGES };
  return { message: { ...message, tool_calls: calls }, changes };
}

function renamed(call: MessageToolCall, form: CallIdForm, taken: Set<string>): MessageToolCall {
  const { id, signature } = splitThoughtSignature(call.id);
  let fitting = id;
  for (let round = 0; !form.pattern.test(fitting) || (form.unique && taken.has(fitting)); round++) {
    fitting = digestOf(`${round} ${id}`).slice(0, form.length);
  }
  taken.add(fitting);
  const whole = withThoughtSignature(fitting, signature);
  return whole === call.id ? call : { ...call, id: whole };
}

/** How many digests are remembered: those of some long dialogues. */
const MOST_DIGESTS = 20_000;
const digests = new Map<string, string>();

/** SHA-256, in hexadecimal digits. A dialogue asks for the same ones again at every step. */
function digestOf(text: string): string {
  const known = digests.get(text);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(text).digest('hex');
  if (digests.size >= MOST_DIGESTS) digests.clear();
  digests.set(text, digest);
  return digest;
}
