import { randomUUID } from 'node:crypto';
import { inSlices, isLarge } from '../flow/index.js';
import { encodeInParts, fillIn, holdsLong, isLong, joinInParts } from '../text/index.js';

/** Long strings that are on their way, by the marks that stand for them; nobody else can know these. */
const onTheirWay = new Map<string, string>();
const MARK = `${randomUUID()}-`;
const MARKS = new RegExp(`"(${MARK}\\d+)"`);
let count = 0;

/**
 * Calls a model of the AI SDK with a prompt in which marks stand for long strings; `bodyToSend` puts the strings into the request. The
 * SDK writes a request in one piece, which for ten megabytes holds everything up for 80 ms.
 */
export async function pastTheSdk<Prompt, T>(
  prompt: Prompt,
  call: (marked: Prompt) => Promise<T>,
): Promise<T> {
  if (!holdsLong(prompt)) return call(prompt);
  const marks: string[] = [];
  try {
    return await call(marked(prompt, marks) as Prompt);
  } finally {
    for (const mark of marks) onTheirWay.delete(mark);
  }
}

function marked(value: unknown, marks: string[]): unknown {
  if (isLong(value)) {
    const mark = `${MARK}${(count += 1)}`;
    onTheirWay.set(mark, value);
    marks.push(mark);
    return mark;
  }
  if (Array.isArray(value)) return value.map((item) => marked(item, marks));
  if (!holdsLong(value)) return value;
  return Object.fromEntries(
    Object.entries(value as object).map(([key, field]) => [key, marked(field, marks)]),
  );
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
  return new Error('A long text of the prompt has no place in the request');
}
