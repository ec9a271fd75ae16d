import { describeEvent } from '../../agent/condenser/summary-prompt.js';
import type { ViewEvent } from '../../agent/agent-view.js';
import { plainText, textContent, type Message } from '../../events/index.js';
import { parseShallow, taggedParts } from '../../text/index.js';
import { pythonRepr } from '../../tools/arguments/python-text.js';
import type { GoalVerdict } from '../state/conversation-state.js';

/** Characters of the history, and of one event of it, that an audit looks at: the newest count. */
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

/** The dialogue that asks a model whether a goal is reached. */
export function auditRequest(objective: string, events: readonly ViewEvent[]): Message[] {
  const question = `<objective>\n${objective}\n</objective>\n\n<transcript>\n${transcript(events)}\n</transcript>`;
  return [
    { role: 'system', content: [textContent(AUDITOR_PROMPT)], thinking_blocks: [] },
    { role: 'user', content: [textContent(question)], thinking_blocks: [] },
  ];
}

function transcript(events: readonly ViewEvent[]): string {
  const lines: string[] = [];
  let room = MAX_TRANSCRIPT;
  for (const event of events.toReversed()) {
    if (event.kind === 'SystemPromptEvent') continue;
    const line = describeEvent(event, MAX_EVENT);
    room -= line.length;
    if (room < 0) break;
    lines.push(line);
  }
  return lines.reverse().join('\n\n');
}

/** The verdict in an answer; one that cannot be read counts as not complete. */
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

/** Models also write a text or a number for it; the text `false` is none that says yes. */
function parseComplete(value: unknown): boolean {
  return typeof value === 'string' ? /^(true|yes)$/i.test(value.trim()) : Boolean(value);
}

/**
 * Clients know this field as a text: what is none is shown as Python writes it, and nothing as an empty one.
 */
function missingText(missing: unknown): string {
  if (typeof missing === 'string') return missing;
  const isNothing = !missing || (typeof missing === 'object' && Object.keys(missing).length === 0);
  return isNothing ? '' : pythonRepr(missing);
}

/** The object in a text that may say more around it. */
function parseJsonObject(text: string): Record<string, unknown> | undefined {
  const from = text.indexOf('{');
  const to = text.lastIndexOf('}');
  if (from === -1 || to < from) return undefined;
  try {
    const value = parseShallow(text.slice(from, to + 1));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** What the agent is told when there is something left to do. */
export function followUp(iteration: number, { missing }: GoalVerdict): string {
  return (
    `The goal is NOT yet complete (audit iteration ${iteration}).\nOutstanding: ${missing === '' ? 'Some requirements are not yet verified.' : missing}\n\n` +
    'Look at how things really are now instead of trusting your memory. Work on each point that is outstanding and show ' +
    'by commands or tests that it holds. The whole objective still counts; finish when all of it is proved.'
  );
}

/** What the agent is told when a goal goes on that was interrupted. */
export function resumeMessage(objective: string): string {
  return (
    'Resuming a goal that was paused or interrupted. Look at how things really are now instead of trusting your memory, ' +
    `and go on until all of the objective is proved:\n\n${objective}`
  );
}
