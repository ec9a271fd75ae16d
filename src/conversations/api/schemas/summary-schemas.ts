import { objectSchema, type JsonSchema } from '../../../http/index.js';
import { list, NEXT_PAGE, orNull, ref, words } from './schema-parts.js';

const text: JsonSchema = { type: 'string' };
const id: JsonSchema = { type: 'string', format: 'uuid' };
const moment: JsonSchema = { type: 'string', format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };

/** Schemas of the summaries of conversations. */
export function summarySchemas(): Record<string, JsonSchema> {
  return {
    ConversationSummaryPage: objectSchema({
      items: [list(ref('ConversationSummary')), 'Summaries, latest update first.'],
      next_page_id: NEXT_PAGE,
    }),
    ConversationSummary: {
      title: 'ConversationSummary',
      ...objectSchema({
        id: [id, 'Id of the conversation.'],
        title: [orNull(text), 'The first 200 characters of its title; null: none yet.'],
        execution_status: [ref('ConversationExecutionStatus'), 'Status of its last or current run.'],
        waits_for: [
          orNull(words('confirmation', 'question', 'error', 'budget')),
          'What a person is waited for; null: nothing. `confirmation`: the agent may not act without one. ' +
            '`question`: the last paragraph of what the agent said asks something. `error`: the run failed, ' +
            'repeated itself, or ended with its server. `budget`: `max_budget_per_run` or `max_iterations` is used up.',
        ],
        waits_since: [orNull(moment), 'Since when, in UTC; null: it does not wait.'],
        reason: [
          orNull(text),
          'Why it waits, in one line of at most 300 characters with secrets masked: the action with its ' +
            'arguments, the question, or the error with its code. Null: it does not wait, or the log does not say.',
        ],
        reason_is_whole: [
          { type: 'boolean' },
          'False if `reason` was shortened, or if more than one action waits: read the events before you decide.',
        ],
        activity: [
          orNull(ref('ConversationActivity')),
          'What the active run does; null without one, and if another server runs the conversation.',
        ],
        tags: [{ type: 'object', additionalProperties: text }, 'Labels of the conversation by key.'],
        model: [text, 'Model of the agent, as `provider/model`; for an external agent what it says it uses.'],
        agent_kind: [text, '`Agent`, or `ACPAgent` for an external agent.'],
        working_dir: [text, 'Folder in which the agent works.'],
        created_at: [moment, 'Time of the start in UTC, with microseconds.'],
        updated_at: [moment, 'Time of the last event or change in UTC, with microseconds.'],
        parent_conversation_id: [orNull(id), 'Conversation of which this one is a child; null: none.'],
        cost: [{ type: 'number', minimum: 0 }, 'Cost of all its models in US dollars.'],
        prompt_tokens: [count, 'Tokens that its models have read, cached ones included.'],
        completion_tokens: [count, 'Tokens that its models have written, reasoning included.'],
        max_budget_per_run: [orNull({ type: 'number' }), 'Budget in US dollars; null: none.'],
      }),
    },
    ConversationActivity: objectSchema({
      kind: [
        words('starting', 'model', 'tool', 'hook', 'condensation'),
        '`starting`: the run is prepared, MCP servers start. `model`: the model is asked. `tool`: a tool is ' +
          'executed. `hook`: a hook runs. `condensation`: a summary takes the place of older events.',
      ],
      tool: [orNull(text), 'Name of the tool, or the kind of the hook such as `PreToolUse`; null: neither.'],
      step: [count, 'Number of the step in this run, from 1; 0 while the run is prepared.'],
      since: [moment, 'Since when, in UTC.'],
    }),
  };
}
