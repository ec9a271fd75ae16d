import {
  conversationRequest,
  createConversation,
  fillConversation,
  finishedWith,
  sendMessage,
} from '../support/conversation.mjs';

const ANY = { model: 'openai/scripted', base_url: 'http://127.0.0.1:9/v1', api_key: 'none' };
const EVENTS = 600;
const REQUESTS = 100;

const TITLES = {
  create: 'create a conversation',
  append: 'append an event',
  page: `a page of 100 of ${EVENTS} events`,
  text: `search a text in ${EVENTS} events`,
  step: 'agent step without the LLM, `think`',
};

/** The first hundred requests of each kind after a start. Each kind has a start of its own. */
export const benchmark = {
  name: 'fresh',
  rounds: { full: 3, quick: 1 },
  rows: Object.fromEntries(Object.entries(TITLES).flatMap(([kind, title]) => rowsOf(kind, title))),
  async measure({ start, model }) {
    const server = await start();
    const conversation = await createConversation(server, ANY);
    await fillConversation(server, conversation, EVENTS);
    const creation = await conversationRequest(server, ANY);
    const message = { role: 'user', content: [{ type: 'text', text: 'hello' }], run: false };
    const search = `${conversation}/events/search?limit=100`;
    const requests = {
      create: () => measured(server, 201, 'POST', '/api/conversations', creation),
      append: () => measured(server, 200, 'POST', `${conversation}/events`, message),
      page: () => measured(server, 200, 'GET', search, undefined, 100),
      // "message 29" and "message 290" to "message 299".
      text: () => measured(server, 200, 'GET', `${search}&body=MESSAGE%2029`, undefined, 11),
    };
    const figures = {};
    const add = (kind, waits) => Object.assign(figures, { [kind]: mean(waits), [firstOf(kind)]: waits[0] });
    // Appends come last but for what needs no events: searches expect the events that are there now.
    for (const kind of ['page', 'text', 'append', 'create']) {
      await server.restart();
      const waits = [];
      for (let i = 0; i < REQUESTS; i++) waits.push(await requests[kind]());
      add(kind, waits);
    }
    await server.restart();
    add('step', await steps(server, model));
    return figures;
  },
};

function rowsOf(kind, title) {
  const row = { unit: 'ms', better: 'less', target: { times: kind === 'text' ? 2 : 1 } };
  return [
    [kind, { ...row, title: `first ${REQUESTS} after a start, mean: ${title}` }],
    [firstOf(kind), { ...row, title: 'the same, the very first' }],
  ];
}

function firstOf(kind) {
  return `${kind}-first`;
}

/** Milliseconds until the last byte of an answer, which must have the status and the number of items. */
async function measured(server, status, method, route, body, items) {
  const answer = await server.send(method, route, body);
  if (answer.status !== status)
    throw new Error(
      `${method} ${route} answered ${answer.status}, not ${status}: ${answer.text.slice(0, 300)}`,
    );
  const found = items && JSON.parse(answer.text).items.length;
  if (found !== items) throw new Error(`${route} found ${found} events, not ${items}`);
  return answer.ms;
}

async function steps(server, model) {
  const caller = model.calling('think', { thought: 'as usual' }, REQUESTS);
  const conversation = await createConversation(server, caller.llm, { tools: [] });
  await sendMessage(server, conversation, 'work', true);
  await finishedWith(server, conversation, REQUESTS + 1, caller);
  return caller.stepsMs();
}

function mean(figures) {
  return figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
}
