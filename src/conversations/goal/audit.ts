import { describeEvent, type ViewEvent } from '../../agent/index.js';
import { plainText, textContent, type Message } from '../../events/index.js';
import { isJsonObject, parseJson, type JsonObject } from '../../json/index.js';
import { pythonRepr, taggedParts } from '../../text/index.js';
import type { GoalVerdict } from '../state/conversation-state.js';

/** Maximum characters of the transcript, which ends with the newest event, and of one event in it. */
const MAX_TRANSCRIPT = 60_000;
const MAX_EVENT = 4_000;

const AUDITOR_PROMPT = `You audit whether a goal that an agent works for has been reached. You get the objective and what happened. \
Be strict: a requirement counts as met only when the history shows evidence for it (the output of a command, a test, a \
file that was read), not because the agent says so. Check every requirement of the objective.

Answer with one JSON object and nothing else:
{"complete": true or false, "score": 0.0 to 1.0, "missing": "what is still to be done, or nothing"}`;

const UNPARSABLE_VERDICT: GoalVerdict = {
  score: 0,
  complete: false,
  missing: 'Judge verdict could not be parsed.',
};

/** The messages that ask a model whether a goal is reached. */
export function auditRequest(objective: string, events: readonly ViewEvent[]): Message[] {
  const question = `<objective>\n${objective}\n</objective>\n\n<transcript>\n${transcript(events)}\n</transcript>`;
  return [
    { role: 'system', content: [textContent(AUDITOR_PROMPT)], thinking_blocks: [] },
    { role: 'user', content: [textContent(question)], thinking_blocks: [] },
  ];
}

function transcript(events: readonly ViewEvent[]): string {
  const lines: string[] = [];
  let remaining = MAX_TRANSCRIPT;
  for (const event of events.toReversed()) {
    if (event.kind === 'SystemPromptEvent') continue;
    const line = describeEvent(event, MAX_EVENT);
    remaining -= line.length;
    if (remaining < 0) break;
    lines.push(line);
  }
  return lines.reverse().join('\n\n');
}

/** Parses the verdict in an answer. An unparsable one counts as not complete. */
export function parseVerdict(answer: Message): GoalVerdict {
  const found = parseJsonObject(
    taggedParts(plainText(answer.content), '<think>', '</think>').outside.join(''),
  );
  if (!found) return UNPARSABLE_VERDICT;
  const score = parseScore(found['score']);
  const complete = Object.hasOwn(found, 'complete') ? parseComplete(found['complete']) : score >= 1;
  return { score, complete, missing: missingText(found['missing']) };
}

function parseScore(score: unknown): number {
  const value = typeof score === 'string' ? Number.parseFloat(score) : Number(score);
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}

/** Models also write a text or a number: the text `false` must not count as true. */
function parseComplete(value: unknown): boolean {
  return typeof value === 'string' ? /^(true|yes)$/i.test(value.trim()) : Boolean(value);
}

/** Clients expect a text: other values are formatted like in Python, empty ones as an empty text. */
function missingText(missing: unknown): string {
  if (typeof missing === 'string') return missing;
  const isEmpty = !missing || (typeof missing === 'object' && Object.keys(missing).length === 0);
  return isEmpty ? '' : pythonRepr(missing);
}

/** Parses the JSON object in a text that may contain other text around it. */
function parseJsonObject(text: string): JsonObject | undefined {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start === -1 || end < start) return undefined;
  try {
    const value = parseJson(text.slice(start, end + 1));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The message to the agent when something is missing. */
export function followUp(iteration: number, { missing }: GoalVerdict): string {
  return (
    `The goal is NOT yet complete (audit iteration ${iteration}).\nOutstanding: ${missing === '' ? 'Some requirements are not yet verified.' : missing}\n\n` +
    'Look at how things really are now instead of trusting your memory. Work on each point that is outstanding and show ' +
    'by commands or tests that it holds. The whole objective still counts; finish when all of it is proved.'
  );
}

/** The message to the agent when an interrupted goal is resumed. */
export function resumeMessage(objective: string): string {
  return (
    'Resuming a goal that was paused or interrupted. Look at how things really are now instead of trusting your memory, ' +
    `and go on until all of the objective is proved:\n\n${objective}`
  );
}
