import { objectSchema, type JsonSchema } from '../../../http/index.js';
import { SPAN_KINDS } from '../../timeline/span.js';
import { list, NEXT_PAGE, orNull, ref, words } from './schema-parts.js';

const text: JsonSchema = { type: 'string' };
const moment: JsonSchema = { type: 'string', format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const amount: JsonSchema = { type: 'number', minimum: 0 };
const flag: JsonSchema = { type: 'boolean' };

const KINDS =
  '`model`: an answer of a model. `tool`: a tool call. `confirmation`: the wait until a person approves or rejects ' +
  'actions. `person`: the wait from the end of the agent to the next message. `paused`: the wait from a pause to the ' +
  'next run. `hook`: a hook. `condensation`: a summary of older events. `down`: the server stopped somewhere between ' +
  'its start and its end.';
const DURATION =
  'Milliseconds that passed in spans of this kind. Tools that ran at the same time count once; answers of other ' +
  'models than that of the agent have no duration of their own.';
const CONTEXT =
  'The most tokens that the context of the agent had in these answers; null: none of them is its own.';

/** Schemas of what a conversation did with its time. */
export function timelineSchemas(): Record<string, JsonSchema> {
  return {
    TimelineUsage: objectSchema({
      usage_id: [text, 'The usage id of the model, as in `stats.usage_to_metrics`.'],
      model: [text, 'The name of the model.'],
      prompt_tokens: [count, 'Tokens of the request, those from the cache included.'],
      completion_tokens: [count, 'Tokens of the answer.'],
      cache_read_tokens: [count, 'Tokens of the request that the provider had in its cache.'],
      cache_write_tokens: [count, 'Tokens that the provider has put into its cache.'],
      reasoning_tokens: [count, 'Tokens of the answer that are reasoning.'],
      context_window: [count, 'Tokens that the model takes at most; 0 if unknown.'],
      cost: [orNull(amount), 'US dollars; null if unknown.'],
    }),
    TimelineSpan: objectSchema({
      id: [
        text,
        'Unique in the conversation. Those of spans in progress end with `-now` or change when they end.',
      ],
      kind: [words(...SPAN_KINDS), KINDS],
      name: [text, 'The model, the tool, the type of the hook, or what was waited for.'],
      detail: [
        text,
        'What it was about in one line of at most 160 characters: the command, the file, the error; or empty.',
      ],
      step: [count, 'How many answers the model of the agent had given when the span ended.'],
      started_at: [moment, 'When it began.'],
      ended_at: [orNull(moment), 'When it ended; null while it is in progress.'],
      duration_ms: [orNull(amount), 'Milliseconds, never negative; null while it is in progress.'],
      derived: [
        list(words('started_at', 'ended_at')),
        'Boundaries that the log does not record. Such a start is the end of what came before, so it is early at most; such an end is late at most, or for a tool that a crash interrupted, early.',
      ],
      event_id: [
        orNull(text),
        'The event to show for it: the action, the answer, the condensation; null: none.',
      ],
      result_event_id: [
        orNull(text),
        'The event that ended it, if that is another one: a result, a message.',
      ],
      parent_id: [
        orNull(text),
        '`id` of the tool span that it is a part of, such as the task of a sub-agent; null: of none.',
      ],
      response_id: [
        orNull(text),
        'Id of the answer of the model; null: no answer, or that of a sub-agent, a title, a hook.',
      ],
      usage: [orNull(ref('TimelineUsage')), 'What the answer has used; null: not an answer, or unknown.'],
      failed: [flag, 'The tool or hook failed, the call was given up, or the actions were rejected.'],
      active: [flag, 'On the active branch; false on a branch that a client has navigated away from.'],
      copied: [flag, 'Copied from the conversation that this one was forked from. Not in the totals.'],
      forgotten_events: [count, 'How many events a condensation removed from what the model sees; else 0.'],
    }),
    TimelineKindTotal: objectSchema({
      kind: [words(...SPAN_KINDS), KINDS],
      count: [count, 'How many spans have ended.'],
      failed: [count, 'How many of them failed.'],
      duration_ms: [amount, DURATION],
    }),
    TimelineToolTotal: objectSchema({
      name: [text, 'The name of the tool; `others` adds up those after the first hundred.'],
      count: [count, 'How many calls have ended.'],
      failed: [count, 'How many of them failed.'],
      duration_ms: [amount, 'The sum of their durations in milliseconds.'],
    }),
    TimelineModelTotal: objectSchema({
      name: [text, 'The name of the model; `others` adds up those after the first hundred.'],
      count: [count, 'How many answers it gave.'],
      prompt_tokens: [count, 'Tokens of the requests.'],
      completion_tokens: [count, 'Tokens of the answers.'],
      cache_read_tokens: [count, 'Tokens of the requests that the provider had in its cache.'],
      cost: [amount, 'What they cost, in US dollars.'],
    }),
    TimelinePage: objectSchema({
      items: [list(ref('TimelineSpan')), 'Spans that have ended, the last first.'],
      next_page_id: NEXT_PAGE,
      in_progress: [list(ref('TimelineSpan')), 'What is going on now, whatever the page.'],
      totals: [list(ref('TimelineKindTotal')), 'Sums of the whole log by kind, without `in_progress`.'],
      events: [count, 'How many events of the log they were derived from.'],
      started_at: [orNull(moment), 'Time of the first event; null: there is none.'],
      updated_at: [orNull(moment), 'Time of the last event; null: there is none.'],
    }),
    TimelinePoint: objectSchema({
      step: [count, 'The last step of the point.'],
      at: [moment, 'The end of its last answer.'],
      answers: [count, 'How many answers it adds up: one, or more in a long conversation.'],
      prompt_tokens: [count, 'Tokens of the requests, those from the cache included.'],
      completion_tokens: [count, 'Tokens of the answers.'],
      cache_read_tokens: [count, 'Tokens of the requests that the provider had in its cache.'],
      cache_write_tokens: [count, 'Tokens that the provider has put into its cache.'],
      reasoning_tokens: [count, 'Tokens of the answers that are reasoning.'],
      cost: [amount, 'US dollars of these answers.'],
      total_cost: [amount, 'US dollars of all answers up to here.'],
      context_tokens: [orNull(count), CONTEXT],
      context_window: [orNull(count), 'Tokens that its model takes at most; null if unknown.'],
      event_id: [orNull(text), 'The event of its last answer; null: none.'],
    }),
    TimelineFile: objectSchema({
      path: [text, 'The path as the tool call names it.'],
      reads: [count, 'How many calls have read it.'],
      writes: [count, 'How many calls have written or deleted it.'],
      last_operation: [words('read', 'write', 'delete'), 'What the last call did.'],
      last_event_id: [text, 'The action of the last call.'],
      last_at: [moment, 'When the last call ended.'],
    }),
    TimelineCondensation: objectSchema({
      at: [moment, 'When the summary was there.'],
      step: [count, 'The step before it.'],
      event_id: [text, 'Id of the condensation.'],
      forgotten_events: [count, 'How many events it removed from what the model sees.'],
    }),
    TimelineSummary: objectSchema({
      totals: [list(ref('TimelineKindTotal')), 'Sums of the whole log by kind.'],
      tools: [list(ref('TimelineToolTotal')), 'Sums by tool, the longest first.'],
      models: [list(ref('TimelineModelTotal')), 'Sums by model, the most expensive first.'],
      points: [
        list(ref('TimelinePoint')),
        'Costs and tokens in the order of the log: a point for each answer, or for several in a long conversation, at most 1,200.',
      ],
      condensations: [list(ref('TimelineCondensation')), 'The last 200 condensations.'],
      files: [
        list(ref('TimelineFile')),
        'Files that tools for files have used successfully, the last used first, at most 2,000. Commands in a terminal name no files.',
      ],
      files_truncated: [flag, 'More files were used than are listed.'],
      events: [count, 'How many events of the log it was derived from.'],
      started_at: [orNull(moment), 'Time of the first event; null: there is none.'],
      updated_at: [orNull(moment), 'Time of the last event; null: there is none.'],
    }),
    BranchNode: objectSchema({
      event_id: [orNull(text), 'The event, for `navigate` and `from_event_id` of `fork`; null: the root.'],
      parent_event_id: [orNull(text), 'The node before it; null: the root, also for the root itself.'],
      kind: [
        words('root', 'fork', 'leaf', 'head'),
        '`root`: the start. `fork`: branches part after it. `leaf`: the end of a branch. `head`: the head, where it is neither.',
      ],
      label: [text, 'The event in one line of at most 160 characters.'],
      first_event_id: [orNull(text), 'The first event after the node before it; null for the root.'],
      first_label: [text, 'That event in one line: what the branch began with.'],
      events: [count, 'How many events lead from the node before it to this.'],
      timestamp: [orNull(moment), 'When the event was stored; null for the root.'],
      active: [flag, 'On the way from the root to the head.'],
      is_head: [flag, 'The head: the next event follows it.'],
    }),
    BranchTree: objectSchema({
      nodes: [
        list(ref('BranchNode')),
        'A node comes after its parent. At most 500: those of the active branch and the newest.',
      ],
      head_event_id: [orNull(text), 'Id of the head; null: the next event is a new root.'],
      truncated: [flag, 'The tree has more nodes.'],
    }),
  };
}
