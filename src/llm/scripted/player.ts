import { parseScript, type ScriptedCall, type ScriptedFailure, type ScriptStep } from './script.js';

/** What the player has to know of a message. */
export interface PlayedMessage {
  role: string;
  /** Its text blocks; only those of the user are looked at. */
  texts: readonly string[];
}

/** What the player does next. */
export interface Turn {
  /** Seconds before anything happens. */
  wait: number;
  /** The attempt fails like this; else the answer follows. */
  failure?: ScriptedFailure;
  reasoning?: string;
  text?: string;
  calls: readonly ScriptedCall[];
}

const EXPLANATION =
  'I am the scripted model: I play the steps written in your message, one line each, for example\n' +
  'RUN: echo hello > hello.txt\nSAY: Let me look at it.\nRUN: cat hello.txt\nFINISH: All done.';
const AT_END = 'The script is at its end.';

/**
 * Finds the next turn from the dialogue alone, so that a restart changes nothing: the script is the last text
 * of the user that has steps, and every answer of the model after it was one of them. Messages that nobody
 * answered come as the texts of one: only the newest script counts, or one that fails for ever would stand
 * before all that follow.
 * @param attempt from 1: steps may say that their first attempts fail
 * @param canCall whether tools are offered; without them a call is put into words
 */
export function nextTurn(messages: readonly PlayedMessage[], attempt: number, canCall: boolean): Turn {
  const start = messages.findLastIndex((message) => message.role === 'user' && stepsOf(message).length > 0);
  const script = messages[start];
  if (!script) return { wait: 0, text: EXPLANATION, calls: [] };

  const played = messages.slice(start + 1);
  const step = stepsOf(script)[played.filter(({ role }) => role === 'assistant').length];
  if (!step) {
    const askedAnew = played.some(({ role }) => role === 'user');
    return { wait: 0, text: askedAnew ? EXPLANATION : AT_END, calls: [] };
  }
  const failure = step.failures[attempt - 1] ?? (step.failsForever ? step.failures.at(-1) : undefined);
  if (failure) return { wait: step.wait, failure, calls: [] };
  if (step.calls.length > 0 && !canCall) return { wait: step.wait, text: describeCalls(step), calls: [] };
  return { wait: step.wait, reasoning: step.reasoning, text: step.text, calls: step.calls };
}

function stepsOf(message: PlayedMessage): readonly ScriptStep[] {
  return message.texts.map(scriptOf).findLast((steps) => steps.length > 0) ?? [];
}

/** Scripts that are remembered: the whole of one is looked at in every step. */
const MAX_CACHED_SCRIPTS = 32;
const scripts = new Map<string, readonly ScriptStep[]>();

function scriptOf(text: string): readonly ScriptStep[] {
  const known = scripts.get(text);
  if (known) return known;
  const steps = parseScript(text);
  for (const oldest of scripts.keys()) if (scripts.size >= MAX_CACHED_SCRIPTS) scripts.delete(oldest);
  scripts.set(text, steps);
  return steps;
}

/** A title or a summary is asked for without tools: then it is words that are wanted. */
function describeCalls(step: ScriptStep): string {
  if (step.text !== undefined) return step.text;
  return step.calls.map((call) => describeCall(call)).join('\n');
}

function describeCall(call: ScriptedCall): string {
  const parsed: unknown =
    call.name === 'terminal' || call.name === 'finish' ? JSON.parse(call.arguments) : undefined;
  const said: unknown = typeof parsed === 'object' && parsed !== null ? Object.values(parsed)[0] : undefined;
  return typeof said === 'string' ? said : `Call ${call.name}`;
}

/** Tokens of a text, by the rule of thumb that four characters are one. */
export function countTokens(text: string): number {
  return tokensOf(text.length);
}

/** Tokens of so many characters. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / 4);
}

/** The pieces in which a text is streamed: its words, each with the white space after it. */
export function splitWords(text: string): string[] {
  return text.match(/\S+\s*|\s+/g) ?? [];
}
