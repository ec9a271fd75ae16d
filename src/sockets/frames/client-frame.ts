import type { IncomingMessage } from '../../conversations/state/start-request.js';
import { textContent, type Content, type MessageRole } from '../../events/index.js';
import { afterLarge, inSlices, yieldForChunk } from '../../flow/index.js';
import { decodeInParts } from '../../text/index.js';
import { isJsonObject, JsonBoundsError, measureJson } from '../../json/index.js';

/** A longer frame is parsed in a turn of its own (bytes). */
const WORTH_A_TURN = 32 * 1024;

/** What a text frame of a client means. */
export type ClientFrame =
  | { type: 'message'; message: IncomingMessage }
  /** A key that comes when none is asked for (any more); it means nothing. */
  | { type: 'auth' }
  | { type: 'invalid'; code: string; detail: string };

/**
 * Reads a frame: `{"role": "user", "content": text or parts}`, the older `{"type": "message", "content":
 * ...}`, or `{"type": "auth", "session_api_key": ...}`. Never throws; complaints say what is wrong and do not
 * repeat the input.
 * @param data UTF-8, which the socket has made sure of
 */
export async function readClientFrame(data: Buffer): Promise<ClientFrame> {
  let value: unknown;
  try {
    // Taking off the mask of a large one was a long turn.
    await afterLarge(data.length);
    await inSlices(measureJson(data));
    if (data.length > WORTH_A_TURN) await yieldForChunk();
    const parts = await inSlices(decodeInParts(data));
    value = JSON.parse(parts?.join('') ?? '');
  } catch (error) {
    const detail = error instanceof JsonBoundsError ? error.message : 'The frame is not valid JSON';
    return { type: 'invalid', code: 'JSONDecodeError', detail };
  }
  await afterLarge(data.length);
  if (!isJsonObject(value)) {
    return invalid([['', 'Input should be a valid dictionary or instance of Message', 'model_type']]);
  }
  return isAuthFrame(value) ? { type: 'auth' } : readMessage(value);
}

/** The key of a first frame, or undefined when the frame is not `{"type": "auth"}` with a key. */
export function readAuthKey(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value) || value['type'] !== 'auth') return undefined;
    return typeof value['session_api_key'] === 'string' ? value['session_api_key'] : undefined;
  } catch {
    return undefined;
  }
}

type Complaint = [location: string, message: string, type: string];

const ROLES: readonly unknown[] = ['user', 'system', 'assistant', 'tool'] satisfies MessageRole[];

function readMessage(frame: Record<string, unknown>): ClientFrame {
  const role = frame['role'] ?? (frame['type'] === 'message' ? 'user' : undefined);
  if (role === undefined) return invalid([['role', 'Field required', 'missing']]);
  if (!ROLES.includes(role)) {
    return invalid([['role', "Input should be 'user', 'system', 'assistant' or 'tool'", 'literal_error']]);
  }
  const content = readContent(frame['content'] ?? []);
  if (!content.ok) return invalid(content.complaints);
  if (role !== 'user') {
    const detail = 'Only user messages are allowed to be sent to the agent.';
    return { type: 'invalid', code: 'AssertionError', detail };
  }
  return { type: 'message', message: { role, content: content.parts } };
}

function readContent(
  content: unknown,
): { ok: true; parts: Content[] } | { ok: false; complaints: Complaint[] } {
  if (typeof content === 'string') return readContent([{ type: 'text', text: content }]);
  if (!Array.isArray(content)) {
    return {
      ok: false,
      complaints: [['content', 'Input should be a valid string or list', 'is_instance_of']],
    };
  }
  const parts: Content[] = [];
  const complaints: Complaint[] = [];
  content.forEach((part: unknown, index) => {
    const read = readPart(part);
    if (typeof read === 'string') complaints.push([`content.${index}`, read, 'value_error']);
    else parts.push(read);
  });
  return complaints.length > 0 ? { ok: false, complaints } : { ok: true, parts };
}

/** One text or image part, or what is wrong with it. */
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

/** Half of a surrogate pair has no UTF-8: such text could be neither stored nor sent to a model. */
const SURROGATES = 'Input should be valid Unicode: surrogates not allowed';

function isStringArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Only these keys: anything more is meant as a message and is complained about. */
export function isAuthFrame(frame: Record<string, unknown>): boolean {
  return (
    frame['type'] === 'auth' && Object.keys(frame).every((key) => key === 'type' || key === 'session_api_key')
  );
}

/** More complaints than this are counted, not listed. */
const MAX_LISTED = 10;

function invalid(complaints: Complaint[]): ClientFrame {
  const listed = complaints.slice(0, MAX_LISTED).map(([location, message, type]) => {
    return `${location ? `${location}\n` : ''}  ${message} [type=${type}]`;
  });
  const count = `${complaints.length} validation ${complaints.length === 1 ? 'error' : 'errors'} for Message`;
  return { type: 'invalid', code: 'ValidationError', detail: [count, ...listed].join('\n') };
}
