import { parseScript, type ScriptedCall, type ScriptedFailure, type ScriptStep } from './script.js';

/** The part of a message that the player reads. */
export interface PlayedMessage {
  role: string;
  /** The text blocks; only those of the user are read. */
  texts: readonly string[];
}

/** The next answer of the player. */
export interface Turn {
  /** Seconds to wait first. */
  wait: number;
  /** The failure of this attempt; otherwise the answer follows. */
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
 * Finds the next turn. It depends only on the dialogue, so a restart changes nothing: the script is the last
 * user text with steps, and each later answer of the model was one of its steps. Unanswered messages are
 * merged into one with several texts, of which only the newest script counts; otherwise one that always fails
 * would block all that follow.
 * @param attempt from 1: steps may define failures of their first attempts
 * @param canCall whether tools are offered; without them calls are described in words
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

/** Limit for the parsed scripts in the cache: each step reads the whole script. */
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

/** Requests for titles and summaries offer no tools and expect text. */
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

/** Estimates the tokens of a text: one per four characters. */
export function countTokens(text: string): number {
  return tokensOf(text.length);
}

/** Estimates the tokens of a number of characters. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / 4);
}

/** Splits a text for streaming: words with the white space after them. */
export function splitWords(text: string): string[] {
  return text.match(/\S+\s*|\s+/g) ?? [];
}
