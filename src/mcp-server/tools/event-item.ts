import { type DurableEvent, plainText } from '../../events/index.js';
import { type DescribedField, objectSchema } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { firstCharacters } from '../../text/index.js';
import { truncateMiddle } from '../../tools/index.js';

/** Longest text of an event, and of all events of a result (characters). */
const MAX_TEXT = 4_000;
const MAX_TEXTS = 100_000;
/** Longest name of a tool (characters): external agents write sentences. */
const MAX_TOOL = 200;

/** Kinds of events as callers name them, and the classes of the log. */
const KINDS: Readonly<Record<string, string>> = {
  message: 'MessageEvent',
  action: 'ActionEvent',
  observation: 'ObservationEvent',
  error: 'ConversationErrorEvent',
};

const FIELDS: Readonly<Record<string, DescribedField>> = {
  id: [{ type: 'string' }, 'Id of the event.'],
  kind: [{ type: 'string' }, 'message, action, observation, error, or the class of any other event.'],
  source: [{ type: 'string' }, 'Who caused it: user, agent, environment or hook.'],
  timestamp: [{ type: 'string' }, 'When it happened, in local time of the server (ISO 8601).'],
  tool: [{ type: ['string', 'null'] }, 'The tool of an action or an observation; null otherwise.'],
  text: [
    { type: 'string' },
    'The message, the arguments of the action, the output of the tool, or the error. Long texts are truncated in the middle.',
  ],
};

/** The schema of an event in a result. */
export const EVENT_SCHEMA = objectSchema(FIELDS);

/** The filter for a kind. Without one, changes of the state are left out. */
export function kindFilter(kind: string | null): { kind?: string; notKind?: string } {
  return kind === null ? { notKind: 'ConversationStateUpdateEvent' } : { kind: KINDS[kind] ?? kind };
}

/** An event as callers see it. @param limit how many events the result may have */
export function eventItem(event: DurableEvent, limit: number): JsonObject {
  const { id, source, timestamp } = event;
  return {
    id,
    kind: kindOf(event),
    source,
    timestamp,
    tool: toolOf(event),
    text: truncateMiddle(textOf(event), Math.min(MAX_TEXT, MAX_TEXTS / limit)),
  };
}

function kindOf({ kind }: DurableEvent): string {
  return Object.keys(KINDS).find((name) => KINDS[name] === kind) ?? kind;
}

function toolOf(event: DurableEvent): string | null {
  if (event.kind === 'ACPToolCallEvent') return firstCharacters(event.title, MAX_TOOL);
  return ('tool_name' in event ? event.tool_name : undefined) ?? null;
}

function textOf(event: DurableEvent): string {
  switch (event.kind) {
    case 'MessageEvent':
      return plainText(event.llm_message.content);
    case 'ActionEvent':
      return [plainText(event.thought), actionText(event.action)].filter((part) => part !== '').join('\n');
    case 'ObservationEvent':
      return plainText(event.observation.content);
    case 'AgentErrorEvent':
      return event.error;
    case 'UserRejectObservation':
      return `Rejected: ${event.rejection_reason}`;
    case 'ConversationErrorEvent':
      return `${event.code}: ${event.detail}`;
    case 'ACPToolCallEvent':
      return JSON.stringify(event.raw_output ?? event.raw_input ?? '');
    case 'ConversationStateUpdateEvent':
      return `${event.key}: ${JSON.stringify(event.value)}`;
    default:
      return '';
  }
}

function actionText(action: Record<string, unknown> | undefined): string {
  if (!action) return '';
  const { kind: _kind, ...args } = action;
  return JSON.stringify(args);
}
