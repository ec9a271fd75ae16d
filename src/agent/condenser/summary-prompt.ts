import { plainText, textContent, type Message } from '../../events/index.js';
import type { ViewEvent } from '../agent-view.js';

/** Longest excerpt of one event in the request (characters). Earlier summaries are included whole. */
const MAX_EXCERPT = 500;

const INSTRUCTIONS = `You keep the memory of an agent that works with a computer. Its history has become too long: you get the \
oldest part of it and write what stands in its place. The agent will see nothing else of that part, so whatever it \
still needs has to be in your text. Leave out what is over and done with.

Write these sections, each only if there is something to say:
USER: what the user asked for and decided, requirements and preferences, as exactly as they were said
STATE: what is done, what holds now (files that were made or changed, with their paths; versions; services that run)
FINDINGS: facts that took work to find out, errors that were met and what solved them
OPEN: what is still to be done, in order; the next step first
CODE: names of functions, types, commands, branches and tests that the work goes on with

If an earlier summary stands in the part, carry over what still counts. Be dense. Answer with the text only.`;

/** The messages that ask a model for a summary. */
export function summaryRequest(events: readonly ViewEvent[], scale: number): Message[] {
  const limit = Math.max(40, Math.floor(MAX_EXCERPT * scale));
  const blocks = events.map((event) => `<EVENT>\n${describeEvent(event, limit)}\n</EVENT>`);
  return [
    { role: 'system', content: [textContent(INSTRUCTIONS)], thinking_blocks: [] },
    { role: 'user', content: [textContent(blocks.join('\n\n'))], thinking_blocks: [] },
  ];
}

/** Whether messages ask for a summary: other requests begin with the prompt of an agent. */
export function isSummaryRequest([first]: readonly Message[]): boolean {
  return first?.role === 'system' && plainText(first.content) === INSTRUCTIONS;
}

/** Describes an event in about `limit` characters. */
export function describeEvent(event: ViewEvent, limit: number): string {
  switch (event.kind) {
    case 'CondensationSummaryEvent':
      return `Summary of what was before:\n${event.summary}`;
    case 'MessageEvent':
      return `${event.source}: ${excerpt(plainText(event.llm_message.content), limit)}`;
    case 'ActionEvent': {
      const thought = plainText(event.thought);
      const call = `calls ${event.tool_name} ${event.tool_call.arguments}`;
      return excerpt(thought === '' ? `agent ${call}` : `agent: ${thought}\n${call}`, limit);
    }
    case 'ObservationEvent':
      return `${event.tool_name} answers: ${excerpt(plainText(event.observation.content), limit)}`;
    case 'AgentErrorEvent':
      return `${event.tool_name} failed: ${excerpt(event.error, limit)}`;
    case 'UserRejectObservation':
      return `the user refused ${event.tool_name}: ${excerpt(event.rejection_reason, limit)}`;
    case 'SystemPromptEvent':
      return 'the instructions of the agent';
  }
}

/** Keeps beginning and end and states how much was left out. */
function excerpt(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor(limit / 2);
  return `${text.slice(0, half)} [... ${text.length - 2 * half} characters ...] ${text.slice(-half)}`;
}
