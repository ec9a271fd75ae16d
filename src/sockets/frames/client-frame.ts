import type { NewMessage } from '../../conversations/index.js';
import { textContent, type Content, type MessageRole } from '../../events/index.js';
import { afterLarge, yieldForChunk } from '../../flow/index.js';
import {
  choice,
  Field,
  type FieldType,
  type Problem,
  problemsOf,
  problemsOfEach,
  readDto,
} from '../../http/index.js';
import { isJsonObject, JsonBoundsError, JsonSize } from '../../json/index.js';
import { invalidFrame, type InvalidFrame } from './frame-problems.js';

/** Longer frames are parsed one at a time, in event-loop turns of their own (bytes). */
const LONG = 32 * 1024;

/** A parsed text frame of a client. */
export type ClientFrame =
  | { type: 'message'; message: NewMessage }
  /** A key after the client was authenticated; it is ignored. */
  | { type: 'auth' }
  | InvalidFrame;

const ROLES: MessageRole[] = ['user', 'system', 'assistant', 'tool'];

/** The content of a message: a text, or a list of text and image parts. */
const content: FieldType = {
  read: (raw) => (typeof raw === 'string' ? [{ type: 'text', text: raw }] : (raw ?? [])),
  problems: (value) =>
    Array.isArray(value)
      ? problemsOfEach(value.entries(), partProblems)
      : [{ type: 'is_instance_of', msg: 'Input should be a valid string or list' }],
  schema: () => ({}),
};

class MessageFrameDto {
  @Field(choice(ROLES), 'Who the message is from. Only `user` is accepted.')
  role!: MessageRole;

  @Field(content, 'The message: a text, or a list of blocks of text and images.')
  content: unknown[] = [];
}

/**
 * Parses a frame: `{"role": "user", "content": text or parts}`, the older `{"type": "message", "content":
 * ...}`, or `{"type": "auth", "session_api_key": ...}`. Never throws; error texts do not repeat the input.
 * @param data UTF-8; `ws` has validated it
 */
export async function readClientFrame(data: Buffer): Promise<ClientFrame> {
  let value: unknown;
  try {
    // `ws` unmasked the frame in this turn.
    await afterLarge(data.length);
    if (data.length > LONG) await yieldForChunk();
    new JsonSize().push(data);
    value = JSON.parse(data.toString());
  } catch (error) {
    const detail = error instanceof JsonBoundsError ? error.message : 'The frame is not valid JSON';
    return { type: 'invalid', code: 'JSONDecodeError', detail };
  }
  await afterLarge(data.length);
  if (!isJsonObject(value)) {
    const msg = 'Input should be a valid dictionary or instance of Message';
    return invalidFrame('Message', [{ type: 'model_type', msg }]);
  }
  return isAuthFrame(value) ? { type: 'auth' } : readMessage(value);
}

/** The key of a first frame; undefined unless the frame is `{"type": "auth"}` with a key. */
export function readAuthKey(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value) || value['type'] !== 'auth') return undefined;
    return typeof value['session_api_key'] === 'string' ? value['session_api_key'] : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a frame has no other keys than those of authentication; with others it is meant as a message. */
export function isAuthFrame(frame: Record<string, unknown>): boolean {
  return (
    frame['type'] === 'auth' && Object.keys(frame).every((key) => key === 'type' || key === 'session_api_key')
  );
}

function readMessage({ type, role, content = [] }: Record<string, unknown>): ClientFrame {
  const sender = role ?? (type === 'message' ? 'user' : undefined);
  const frame = readDto(MessageFrameDto, { ...(sender !== undefined && { role: sender }), content });
  const problems = problemsOf(frame);
  if (problems.length > 0) return invalidFrame('Message', problems);
  if (frame.role !== 'user') {
    const detail = 'Only user messages are allowed to be sent to the agent.';
    return { type: 'invalid', code: 'AssertionError', detail };
  }
  const parts = frame.content.map(readPart).filter((part) => typeof part !== 'string');
  return { type: 'message', message: { role: frame.role, content: parts } };
}

function partProblems(value: unknown): Problem[] {
  const part = readPart(value);
  return typeof part === 'string' ? [{ type: 'value_error', msg: part }] : [];
}

/** One text or image part, or a description of what is wrong with it. */
function readPart(part: unknown): Content | string {
  if (!isJsonObject(part)) return 'Input should be a text or an image part';
  const { type = 'image_urls' in part ? 'image' : 'text', text, image_urls, cache_prompt = false } = part;
  if (typeof cache_prompt !== 'boolean') return 'cache_prompt should be a valid boolean';
  if (type === 'text') {
    if (typeof text !== 'string') return 'text should be a valid string';
    return text.isWellFormed() ? { ...textContent(text), cache_prompt } : SURROGATES;
  }
  if (type !== 'image') return "type should be 'text' or 'image'";
  if (!isStringArray(image_urls)) return 'image_urls should be a valid list of strings';
  return image_urls.every((url) => url.isWellFormed()) ? { cache_prompt, type, image_urls } : SURROGATES;
}

/** A lone surrogate has no UTF-8: such text could be neither stored nor sent to a model. */
const SURROGATES = 'Input should be valid Unicode: surrogates not allowed';

function isStringArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
