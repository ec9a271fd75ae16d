import type { Artifact, Part } from '@a2a-js/sdk';
import { type PendingCall, structuredOutput } from '../../conversations/index.js';
import { type Content, type DurableEvent, plainText } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';

/** Most pending actions that a task shows, and characters of each. */
const MAX_PENDING = 20;
const MAX_INPUT = 10_000;

/** A text as a part of a message or an artifact. */
export function textPart(text: string): Part {
  const content = { $case: 'text' as const, value: text };
  return { content, metadata: undefined, filename: '', mediaType: 'text/plain' };
}

function dataPart(data: JsonObject): Part {
  const content = { $case: 'data' as const, value: data };
  return { content, metadata: undefined, filename: '', mediaType: 'application/json' };
}

/** The only artifact of a task: its answer, or a piece of it. */
export function answerArtifact(parts: Part[]): Artifact {
  return {
    artifactId: 'answer',
    name: 'Answer',
    description: 'The final answer of the agent.',
    parts,
    metadata: undefined,
    extensions: [],
  };
}

/** The answer in an event: of `finish`, or a message. Empty if there is none. */
export function answerParts(event: DurableEvent): Part[] {
  if (event.kind === 'MessageEvent') return [textPart(plainText(event.llm_message.content))];
  if (event.kind !== 'ActionEvent') return [];
  const message = event.action?.['message'];
  const structured = structuredOutput(event);
  return [
    ...(typeof message === 'string' ? [textPart(message)] : []),
    ...(structured ? [dataPart(structured)] : []),
  ];
}

/** A message of the user. Images are named and not sent back: a history must stay small. */
export function contentParts(content: readonly Content[]): Part[] {
  return content.map((block) => textPart(block.type === 'text' ? block.text : '[image]'));
}

/** What waits for an approval, for people and for programs. */
export function approvalParts(calls: readonly PendingCall[]): Part[] {
  const shown = calls
    .slice(0, MAX_PENDING)
    .map(({ tool, input }) => ({ tool, input: input.slice(0, MAX_INPUT) }));
  const lines = shown.map(({ tool, input }) => `${tool}: ${input}`);
  const more = calls.length > MAX_PENDING ? [`(and ${calls.length - MAX_PENDING} more)`] : [];
  const text = ['These actions wait for an approval:', ...lines, ...more, 'Answer with approve or reject.'];
  return [textPart(text.join('\n')), dataPart({ pending_actions: shown })];
}
