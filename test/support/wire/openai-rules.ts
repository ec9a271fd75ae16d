import { z } from 'zod';
import type { Answering, Json, WireProtocol } from './wire-protocol.js';

/**
 * Refuses dialogues that OpenAI's chat completions would refuse
 * (https://platform.openai.com/docs/api-reference/chat).
 */
export function strictChat(protocol: WireProtocol): WireProtocol {
  return { ...protocol, refuse: ({ body }) => refusal(chatFault(body)) };
}

/**
 * Refuses inputs that OpenAI's responses would refuse. Each endpoint needs its own, which records its
 * reasoning.
 */
export function strictResponses(protocol: WireProtocol): WireProtocol {
  const thought = new Set<string>();
  const note = ({ turn, number }: Answering): void => {
    if (turn.reasoning !== undefined) thought.add(`rs_${number}`);
  };
  return {
    ...protocol,
    refuse: ({ body }) => refusal(responsesFault(body, thought)),
    whole: (answering) => {
      note(answering);
      return protocol.whole(answering);
    },
    stream: (answering) => {
      note(answering);
      return protocol.stream(answering);
    },
  };
}

function refusal(message: string | undefined) {
  if (message === undefined) return undefined;
  return {
    status: 400,
    body: { error: { message, type: 'invalid_request_error', param: null, code: null } },
  };
}

const text = z.strictObject({ type: z.literal('text'), text: z.string() });
const image = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({ url: z.string().regex(/^(https?|data):/), detail: z.string().optional() }),
});
const callId = z.string().min(1).max(40);
const chatMessage = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.array(text) }),
  z.strictObject({ role: z.literal('user'), content: z.array(z.union([text, image])).min(1) }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(text)]).optional(),
    tool_calls: z
      .array(
        z.strictObject({
          id: callId,
          type: z.literal('function'),
          function: z.strictObject({ name: z.string().regex(/^[\w-]{1,64}$/), arguments: z.string() }),
        }),
      )
      .optional(),
  }),
  z.strictObject({
    role: z.literal('tool'),
    content: z.array(text),
    tool_call_id: callId,
    name: z.string().optional(),
  }),
]);

function chatFault(body: Json): string | undefined {
  const parsed = z.array(chatMessage).safeParse(body['messages']);
  if (!parsed.success) return z.prettifyError(parsed.error);
  let open: string[] = [];
  for (const message of parsed.data) {
    if (message.role === 'tool') {
      if (!open.includes(message.tool_call_id))
        return "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
      open = open.filter((id) => id !== message.tool_call_id);
      continue;
    }
    if (open.length > 0)
      return "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.";
    if (message.role === 'assistant') open = (message.tool_calls ?? []).map(({ id }) => id);
  }
  return open.length > 0 ? `tool_call_ids did not have response messages: ${open.join(', ')}` : undefined;
}

const inputPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('input_text'), text: z.string() }),
  z.strictObject({ type: z.literal('input_image'), image_url: z.string(), detail: z.string().optional() }),
]);
const item = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('message'),
    role: z.enum(['user', 'assistant']),
    content: z.array(
      z.union([inputPart, z.strictObject({ type: z.literal('output_text'), text: z.string() })]),
    ),
  }),
  z.strictObject({
    type: z.literal('reasoning'),
    id: z.string().regex(/^rs_/),
    summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
    encrypted_content: z
      .string()
      .regex(/^gAAAA-\d+==$/, 'The encrypted content could not be verified.')
      .optional(),
  }),
  z.strictObject({
    type: z.literal('function_call'),
    id: z.string().regex(/^fc_/).optional(),
    call_id: z.string().min(1).max(64),
    name: z.string(),
    arguments: z.string(),
  }),
  z.strictObject({
    type: z.literal('function_call_output'),
    call_id: z.string(),
    output: z.union([z.string(), z.array(inputPart)]),
  }),
]);

function responsesFault(body: Json, thought: ReadonlySet<string>): string | undefined {
  const parsed = z.array(item).safeParse(body['input']);
  if (!parsed.success) return z.prettifyError(parsed.error);
  const items = parsed.data;
  for (const [index, one] of items.entries()) {
    const after = items.slice(index + 1);
    const before = items.slice(0, index);
    if (one.type === 'function_call') {
      const reasoning = one.id?.replace(/^fc_(\d+)_.*/, 'rs_$1') ?? '';
      if (thought.has(reasoning) && !before.some((other) => 'id' in other && other.id === reasoning))
        return `Item '${one.id ?? ''}' of type 'function_call' was provided without its required 'reasoning' item: '${reasoning}'.`;
      if (!after.some((other) => other.type === 'function_call_output' && other.call_id === one.call_id))
        return `No tool output found for function call ${one.call_id}.`;
    }
    if (one.type === 'function_call_output') {
      if (!before.some((other) => other.type === 'function_call' && other.call_id === one.call_id))
        return `No tool call found for function call output with call_id ${one.call_id}.`;
    }
    if (one.type === 'reasoning' && after[0]?.type !== 'message' && after[0]?.type !== 'function_call')
      return `Item '${one.id}' of type 'reasoning' was provided without its required following item.`;
  }
  return undefined;
}
