import {
  countEvents,
  createConversation,
  fillConversation,
  finishedWith,
  searchEvents,
  sendMessage,
} from '../support/conversation.mjs';
import { COLLECTABLE, settledMemory } from '../support/settled-memory.mjs';
import { median } from '../support/table.mjs';

const SIZES = { k1: 1_000, k10: 10_000, k100: 100_000 };
const STEPS = 30;
/**
 * Messages only: the first condensation, which is among the last events, contains the ids of all events that
 * it removes from the view.
 */
const LAST_MESSAGES = 'kind=MessageEvent&sort_order=TIMESTAMP_DESC';

const rows = {};
for (const [key, size] of Object.entries(SIZES)) {
  const many = size.toLocaleString('en-US');
  rows[`step_${key}`] = { title: `a step in a conversation of ${many} events`, unit: 'ms', better: 'less' };
  rows[`page_${key}`] = {
    title: `the last page of messages among ${many} events`,
    unit: 'ms',
    better: 'less',
  };
  rows[`absent_${key}`] = {
    title: `a kind that is not among ${many} events`,
    unit: 'ms',
    better: 'less',
  };
  rows[`memory_${key}`] = {
    title: `memory of an open conversation of ${many} events, after a restart`,
    unit: 'MiB',
    better: 'less',
  };
}
rows.stepGrowth = growth('a step in 100,000 events to one in 1,000');
rows.pageGrowth = growth('the last page of messages among 100,000 events to that among 1,000');
rows.absentGrowth = growth('a kind that is not among 100,000 events to the same in 1,000');

/**
 * Costs that grow with the length of a conversation. A condenser limits the view of the model to 80 events,
 * as in any long conversation; the log keeps all events.
 */
export const benchmark = {
  name: 'growth',
  rounds: { full: 2, quick: 1 },
  rows,
  async measure({ start, model, quick, isOurs }) {
    const figures = {};
    // With 1,000 events the original (1.58.2) had not finished its 30 steps after six minutes.
    if (!isOurs) return figures;
    for (const [key, size] of Object.entries(SIZES)) {
      if (quick && size > 10_000) continue;
      const server = await start(COLLECTABLE);
      const caller = model.calling('think', { thought: 'as usual' }, STEPS);
      const conversation = await createConversation(server, caller.llm, condensed(model, caller));
      await fillConversation(server, conversation, size);
      figures[`memory_${key}`] = await openedMemory(server, model, conversation);
      await sendMessage(server, conversation, 'work', true);
      await finishedWith(server, conversation, STEPS + 1, caller);
      figures[`step_${key}`] = median(caller.stepsMs());
      figures[`page_${key}`] = await pageMs(server, conversation, LAST_MESSAGES, 100);
      figures[`absent_${key}`] = await pageMs(server, conversation, 'kind=PauseEvent', 0);
      await server.stop();
    }
    if (figures.step_k100) figures.stepGrowth = figures.step_k100 / figures.step_k1;
    if (figures.page_k100) figures.pageGrowth = figures.page_k100 / figures.page_k1;
    if (figures.absent_k100) figures.absentGrowth = figures.absent_k100 / figures.absent_k1;
    return figures;
  },
};

function growth(title) {
  return { title, unit: 'times', better: 'less', target: { figure: 1.5 } };
}

function condensed(model, caller) {
  const llm = { usage_id: 'condenser', ...model.saying('A summary of it.').llm };
  const condenser = { kind: 'LLMSummarizingCondenser', llm, max_size: 80, keep_first: 4 };
  return { tools: [], agent: { llm: { usage_id: 'agent', ...caller.llm }, condenser } };
}

/** The additional memory of a newly started server once it has opened the conversation. */
async function openedMemory(server, model, conversation) {
  const other = await createConversation(server, model.saying('hello').llm, { tools: [] });
  await sendMessage(server, other, 'hi');
  await server.restart();
  await use(server, other);
  const before = await settledMemory(server);
  await use(server, conversation);
  return Math.max(0, (await settledMemory(server)).own - before.own);
}

async function use(server, conversation) {
  await countEvents(server, conversation);
  await sendMessage(server, conversation, 'once more');
  await searchEvents(server, conversation);
}

async function pageMs(server, conversation, query, expected) {
  const waits = [];
  for (let i = 0; i < 50; i++) {
    const { body, ms } = await server.read(`${conversation}/events/search?limit=100&${query}`);
    if (body.items.length !== expected) throw new Error(`a page of ${body.items.length} events`);
    waits.push(ms);
  }
  return median(waits);
}
