import type { MessageToolCall } from '../../events/index.js';
import { argumentsObject } from './schema.js';

/** The start of a call in an answer. */
export const CALL_START = '<function=';
/** The end of a call. It is a stop sequence, so that models do not go on to invent the result. */
export const CALL_STOP = '</function';

const PARAMETER_START = '<parameter=';
const PARAMETER_END = '</parameter>';

/** A call in an answer, and the text before it. */
export interface WrittenCall {
  text: string;
  name: string;
  /** Values as written, in their order. */
  parameters: Map<string, string>;
}

/** Writes a call in the notation for prompted models. */
export function writeCall(call: Pick<MessageToolCall, 'name' | 'arguments'>): string {
  const parameters = Object.entries(argumentsObject(call.arguments)).map(
    ([name, value]) => `${PARAMETER_START}${name}>${writeValue(value)}${PARAMETER_END}\n`,
  );
  return `${CALL_START}${call.name}>\n${parameters.join('')}</function>`;
}

function writeValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.includes('\n') ? `\n${text}\n` : text;
}

/**
 * Finds the first call in an answer. Parsing is lenient: the end of the call or of its last parameter may be
 * missing (the stop sequence cuts it off), and text after the call is ignored.
 */
export function readCall(answer: string): WrittenCall | undefined {
  const start = answer.indexOf(CALL_START);
  if (start < 0) return undefined;
  const header = /^<function=\s*["']?([^\s"'<>]+)["']?\s*>/.exec(answer.slice(start, start + 200));
  if (header?.[1] === undefined) return undefined;
  return {
    text: answer.slice(0, start).trim(),
    name: header[1],
    parameters: readParameters(answer, start + header[0].length),
  };
}

function readParameters(answer: string, from: number): Map<string, string> {
  const parameters = new Map<string, string>();
  for (let at = from; ;) {
    at += leadingSpace(answer, at);
    if (!answer.startsWith(PARAMETER_START, at)) return parameters;
    const nameEnd = answer.indexOf('>', at);
    if (nameEnd < 0) return parameters;
    const name = answer.slice(at + PARAMETER_START.length, nameEnd).trim();
    const { end, next } = valueEnd(answer, nameEnd + 1);
    parameters.set(name.replaceAll(/^["']|["']$/g, ''), unwrapped(answer.slice(nameEnd + 1, end)));
    at = next;
  }
}

/**
 * A value may contain the notation itself, so it ends at an end tag that is followed by another parameter,
 * the end of the call or the end of the text.
 */
function valueEnd(answer: string, from: number): { end: number; next: number } {
  let first: number | undefined;
  for (
    let end = answer.indexOf(PARAMETER_END, from);
    end >= 0;
    end = answer.indexOf(PARAMETER_END, end + 1)
  ) {
    first ??= end;
    const next = end + PARAMETER_END.length;
    const follows = next + leadingSpace(answer, next);
    if (
      follows === answer.length ||
      answer.startsWith(PARAMETER_START, follows) ||
      answer.startsWith(CALL_STOP, follows)
    )
      return { end, next };
  }
  if (first !== undefined) return { end: first, next: first + PARAMETER_END.length };
  const cut = answer.indexOf(CALL_STOP, from);
  const end = cut < 0 ? answer.length : cut;
  return { end, next: end };
}

/** Length of the white space at a position. */
function leadingSpace(text: string, at: number): number {
  let end = at;
  while (end < text.length && /\s/.test(text.charAt(end))) end++;
  return end - at;
}

/** Removes the line breaks around a value on lines of its own. */
function unwrapped(value: string): string {
  return value.replace(/^\r?\n/, '').replace(/\r?\n$/, '');
}
