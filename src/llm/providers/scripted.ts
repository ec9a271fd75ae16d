import { randomUUID } from 'node:crypto';
import { setImmediate as nextTick } from 'node:timers/promises';
import { textContent, textsOf, type Message, type MessageToolCall } from '../../events/index.js';
import { pause } from '../retry/attempts.js';
import { countTokens, nextTurn, splitWords, tokensOf, type Turn } from '../scripted/player.js';
import type { ScriptedFailure } from '../scripted/script.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** A failure that the script defines for this attempt. */
export class ScriptedFailureError extends Error {
  override readonly name = 'ScriptedFailureError';
  constructor(readonly failure: ScriptedFailure) {
    super(failure.message);
  }
}

/**
 * The scripted model inside the server. It plays the steps in the user's message (the language is described
 * in `scripted/script.ts`), needs neither key nor network, and explains itself if there is nothing to play.
 */
export const scripted: Provider = {
  errorFamily: 'ScriptedException',
  // Accepts any id.
  callIds: { pattern: /^/, length: 0, unique: false },
  call: play,
};

async function play(call: ProviderCall): Promise<ProviderAnswer> {
  const { messages, tools, config } = call.request;
  const played = messages.map(({ role, content }) => ({
    role,
    texts: role === 'user' ? textsOf(content) : [],
  }));
  const turn = nextTurn(played, call.attempt, tools.length > 0);
  // Even a timer of 0 takes a millisecond.
  if (turn.wait > 0) await pause(turn.wait, call.signal);
  if (turn.failure) throw new ScriptedFailureError(turn.failure);
  if (config.stream) await streamTurn(turn, call);
  return {
    id: `scripted-${randomUUID()}`,
    message: turnMessage(turn),
    usage: turnUsage(messages, turn),
    finishReason: turn.calls.length > 0 ? 'tool_calls' : 'stop',
  };
}

/** Streams word by word and yields after each, so that an interrupt takes effect. */
async function streamTurn(turn: Turn, call: ProviderCall): Promise<void> {
  for (const kind of ['reasoning', 'text'] as const) {
    for (const content of splitWords(turn[kind] ?? '')) {
      call.signal.throwIfAborted();
      call.onProgress();
      call.onDelta({ kind, content });
      await nextTick();
    }
  }
  for (const { name: tool, arguments: args } of turn.calls) {
    for (const content of splitWords(args)) {
      call.signal.throwIfAborted();
      call.onProgress();
      call.onDelta({ kind: 'call', content, tool });
      await nextTick();
    }
  }
}

function turnMessage(turn: Turn): ProviderAnswer['message'] {
  const calls = turn.calls.map((call): MessageToolCall => ({
    id: `call_${randomUUID()}`,
    ...call,
    origin: 'completion',
  }));
  return {
    role: 'assistant',
    content: turn.text === undefined ? [] : [textContent(turn.text)],
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(turn.reasoning === undefined ? {} : { reasoning_content: turn.reasoning }),
    thinking_blocks: [],
  };
}

/** Estimated from the length. Tools are not counted and nothing is cached. */
function turnUsage(messages: readonly Message[], turn: Turn): ProviderAnswer['usage'] {
  const calls = turn.calls.map(({ name, arguments: args }) => name + args);
  const reasoning = countTokens(turn.reasoning ?? '');
  return {
    prompt_tokens: tokensOf(messages.reduce((length, message) => length + lengthOf(message), 0)),
    completion_tokens: countTokens([turn.text ?? '', ...calls].join('')) + reasoning,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: reasoning,
  };
}

function lengthOf({ content, tool_calls = [] }: Message): number {
  let length = 0;
  for (const block of content) if (block.type === 'text') length += block.text.length;
  for (const { name, arguments: args } of tool_calls) length += name.length + args.length;
  return length;
}
