import { objectSchema } from '../../http/index.js';
import { ConversationArguments, EventsArguments, ListArguments } from './arguments.js';
import { EVENT_SCHEMA, eventItem, kindFilter } from './event-item.js';
import { mcpTool } from './mcp-tool.js';
import { STATUS_SCHEMA, statusResult, SUMMARY_SCHEMA, summaryResult } from './results.js';

const NEXT = { type: ['string', 'null'] };
const readsOnly = { readOnlyHint: true, openWorldHint: false };

export const getConversation = mcpTool({
  name: 'get_conversation',
  title: 'Get a conversation',
  description:
    'Returns the current state of a conversation without waiting: its status, whether the agent is working, its last response, ' +
    'pending actions and cost. Do not call it in a loop: wait_for_conversation returns as soon as the agent is done.',
  annotations: readsOnly,
  scope: 'read',
  uses: 'reads',
  arguments: ConversationArguments,
  result: STATUS_SCHEMA,
  call: async ({ conversation_id: id }, { conversations, principal }) =>
    statusResult(await conversations.status(id, principal)),
});

export const readEvents = mcpTool({
  name: 'read_events',
  title: 'Read events',
  description:
    'Returns what happened in a conversation, a page at a time: messages, tool calls of the agent, their results and errors. ' +
    'Use it to check how the agent arrived at its answer, or why it failed. The final response alone is in get_conversation.',
  annotations: readsOnly,
  scope: 'read',
  uses: 'reads',
  arguments: EventsArguments,
  result: objectSchema({
    events: [{ type: 'array', items: EVENT_SCHEMA }, 'The events in the requested order.'],
    next_page_id: [NEXT, 'Pass it as page_id to get the next page; null if there is none.'],
  }),
  call: async ({ conversation_id: id, kind, order, limit, page_id }, { conversations, principal }) => {
    const query = {
      ...kindFilter(kind),
      pageId: page_id ?? undefined,
      limit,
      descending: order === 'newest_first',
    };
    const { items, next } = await conversations.events(id, query, principal, (event) =>
      eventItem(event, limit),
    );
    return { events: items, next_page_id: next };
  },
});

export const listConversations = mcpTool({
  name: 'list_conversations',
  title: 'List conversations',
  description:
    'Lists conversations, latest change first, a page at a time. Use it to find a conversation whose id you do not know, or ' +
    'those that wait for somebody.',
  annotations: readsOnly,
  scope: 'read',
  arguments: ListArguments,
  result: objectSchema({
    conversations: [{ type: 'array', items: SUMMARY_SCHEMA }, 'The conversations.'],
    next_page_id: [NEXT, 'Pass it as page_id to get the next page; null if there is none.'],
  }),
  call: async ({ status, limit, page_id }, { conversations, principal }) => {
    const query = { status: status ?? undefined, limit, pageId: page_id ?? undefined };
    const { items, next } = await conversations.list(query, principal);
    return { conversations: items.map(summaryResult), next_page_id: next };
  },
});
