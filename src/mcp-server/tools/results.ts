import { type DescribedField, type JsonSchema, objectSchema } from '../../http/index.js';
import { asText, type JsonObject } from '../../json/index.js';
import type { RpcStatus } from '../../rpc/index.js';
import { truncateMiddle } from '../../tools/index.js';

/** Longest final response of a result (characters). */
const MAX_RESPONSE = 50_000;
/** Most pending actions of a result, and their longest input (characters). */
const MAX_PENDING = 20;
const MAX_INPUT = 4_000;

const text: JsonSchema = { type: 'string' };
const textOrNull: JsonSchema = { type: ['string', 'null'] };

const SUMMARY_FIELDS: Readonly<Record<string, DescribedField>> = {
  conversation_id: [text, 'Id of the conversation.'],
  title: [textOrNull, 'Its title; null if it has none yet.'],
  status: [
    text,
    'idle, running, paused, waiting_for_confirmation, finished, error or stuck. `finished` means that the agent considers its task done.',
  ],
  waits_for: [
    textOrNull,
    'What it needs from somebody to go on, such as `confirmation`; null if it needs nothing.',
  ],
  reason: [textOrNull, 'Why it waits: the pending action, or the error that ended the run.'],
  model: [text, 'The model of the agent.'],
  working_dir: [text, 'The directory in which the agent works.'],
  created_at: [text, 'When it was started (ISO 8601).'],
  updated_at: [text, 'When it changed last (ISO 8601).'],
  cost_usd: [{ type: 'number' }, 'What its models have cost so far, in US dollars.'],
};

/** The schema of a conversation in a list. */
export const SUMMARY_SCHEMA = objectSchema(SUMMARY_FIELDS);

const STATUS_FIELDS: Readonly<Record<string, DescribedField>> = {
  ...SUMMARY_FIELDS,
  is_working: [
    { type: 'boolean' },
    'Whether the agent is working or waits for a free slot to do so. If true, call wait_for_conversation.',
  ],
  response: [text, "The agent's final response, or its last message; empty if there is none yet."],
  'structured_response?': [
    { type: 'object' },
    'The structured response, if the agent answers by a JSON schema; absent if it is very long.',
  ],
  pending_actions: [
    {
      type: 'array',
      items: objectSchema({
        tool: [text, 'The tool that the agent wants to use.'],
        input: [text, 'Its arguments, truncated if they are long.'],
      }),
    },
    'Actions that the agent executes only if respond_to_confirmation accepts them.',
  ],
};

/** The schema of what a conversation does and has answered. */
export const STATUS_SCHEMA = objectSchema(STATUS_FIELDS);
/** The same after a wait. */
export const WAIT_SCHEMA = objectSchema({
  ...STATUS_FIELDS,
  timed_out: [
    { type: 'boolean' },
    'The time was up and the agent still works: call wait_for_conversation again. The work is not affected.',
  ],
});

/** What a list shows of a conversation. @param summary as the REST API shows it */
export function summaryResult(summary: JsonObject): JsonObject {
  const { title, execution_status, waits_for, reason, model, working_dir, created_at, updated_at, cost } =
    summary;
  return {
    conversation_id: summary['id'],
    title: asText(title),
    status: execution_status,
    waits_for: asText(waits_for),
    reason: asText(reason),
    model,
    working_dir,
    created_at,
    updated_at,
    cost_usd: cost,
  };
}

/** What a conversation does, waits for and has answered, bounded. */
export function statusResult({ summary, isWorking, response, structured, pending }: RpcStatus): JsonObject {
  return {
    ...summaryResult(summary),
    is_working: isWorking,
    response: truncateMiddle(response, MAX_RESPONSE),
    ...(isShort(structured) && { structured_response: structured }),
    pending_actions: pending
      .slice(0, MAX_PENDING)
      .map(({ tool, input }) => ({ tool, input: truncateMiddle(input, MAX_INPUT) })),
  };
}

function isShort(structured: JsonObject | undefined): boolean {
  return structured !== undefined && JSON.stringify(structured).length <= MAX_RESPONSE;
}
