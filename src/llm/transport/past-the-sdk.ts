import { randomUUID } from 'node:crypto';
import { inSlices, isLarge } from '../../flow/index.js';
import { encodeInParts, fillIn, holdsLong, isLong, joinInParts } from '../../text/index.js';

/** Long strings that are on their way, by the marks that stand for them; nobody else can know these. */
const onTheirWay = new Map<string, string>();
const MARK = `${randomUUID()}-`;
const MARKS = new RegExp(`"(${MARK}\\d+)"`);
let count = 0;

/**
 * Calls a model of the AI SDK with a prompt in which marks stand for long strings; `bodyToSend` puts the
 * strings into the request. The SDK writes a request in one piece, which for ten megabytes holds everything
 * up for 80 ms.
 */
export async function pastTheSdk<Message extends Spoken, T>(
  prompt: Message[],
  call: (marked: Message[]) => Promise<T>,
): Promise<T> {
  if (!holdsLong(prompt)) return call(prompt);
  const marks: string[] = [];
  try {
    return await call(
      prompt.map((message) => (message.role === 'assistant' ? message : marked(message, marks))),
    );
  } catch (error) {
    if (!(error instanceof UnplacedTextError)) throw error;
    // It is right then, and only slow.
    return await call(prompt);
  } finally {
    for (const mark of marks) onTheirWay.delete(mark);
  }
}

/** What the model said itself is never long; the SDK takes the blanks off its end. */
interface Spoken {
  role: string;
}

/** The SDK has put a long text into a larger one. */
class UnplacedTextError extends Error {
  override readonly name = 'UnplacedTextError';
}

function marked<Value>(value: Value, marks: string[]): Value {
  if (isLong(value)) {
    const mark = `${MARK}${(count += 1)}`;
    onTheirWay.set(mark, value);
    marks.push(mark);
    return mark as Value;
  }
  if (Array.isArray(value)) return value.map((item: unknown) => marked(item, marks)) as Value;
  // The SDK takes addresses apart.
  if (!holdsLong(value) || (value as Typed).type === 'image-url') return value;
  const fields = Object.entries(value as object).map(([key, field]: [string, unknown]) => [
    key,
    marked(field, marks),
  ]);
  return Object.fromEntries(fields) as Value;
}

interface Typed {
  type?: unknown;
}

/**
 * The body of a request as it is sent: with the strings that went past the SDK, and large ones as bytes.
 * @throws Error where a mark was written in a way that no string can take the place of
 */
export async function bodyToSend(body: RequestInit['body']): Promise<RequestInit['body']> {
  if (typeof body !== 'string') return body;
  if (onTheirWay.size > 0 && body.includes(MARK)) {
    if (body.split(MARKS).some((text, index) => index % 2 === 0 && text.includes(MARK))) throw unplaced();
    const pieces = await inSlices(fillIn(body, MARKS, stringOf));
    return inSlices(joinInParts(pieces));
  }
  return isLarge(body.length) ? inSlices(encodeInParts(body)) : body;
}

function stringOf(mark: string): string {
  const text = onTheirWay.get(mark);
  if (text === undefined) throw unplaced();
  return text;
}

function unplaced(): Error {
  return new UnplacedTextError('A long text of the prompt has no place in the request');
}
