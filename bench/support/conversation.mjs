import { until } from './waiting.mjs';

/** Creates an idle conversation with a terminal. Returns its route. */
export async function createConversation(server, llm, options) {
  const request = await conversationRequest(server, llm, options);
  const { id } = await server.expect(201, 'POST', '/api/conversations', request);
  return `/api/conversations/${id}`;
}

/** The request body for such a conversation. */
export async function conversationRequest(server, llm, { tools = ['terminal'], agent = {} } = {}) {
  return {
    agent: {
      kind: 'Agent',
      llm: { usage_id: 'agent', ...llm },
      tools: tools.map((name) => ({ name })),
      ...agent,
    },
    workspace: { kind: 'LocalWorkspace', working_dir: await server.workingDir() },
    // Benchmarks repeat the same step many times.
    stuck_detection: false,
    max_iterations: 100_000,
    autotitle: false,
  };
}

/** Sends a message; resolves when the server has acknowledged it. */
export async function sendMessage(server, conversation, text, run = false) {
  const message = { role: 'user', content: [{ type: 'text', text }], run };
  const { success } = await server.expect(200, 'POST', `${conversation}/events`, message);
  if (success !== true) throw new Error('a message was not acknowledged');
}

/** The number of events of a conversation. */
export function countEvents(server, conversation) {
  return server.expect(200, 'GET', `${conversation}/events/count`);
}

/** Sends messages until a conversation has at least this many events. */
export async function fillConversation(server, conversation, events) {
  for (;;) {
    const missing = events - (await countEvents(server, conversation));
    if (missing <= 0) return;
    // Each message produces two events.
    await inParallel(32, Math.ceil(missing / 2), (i) => sendMessage(server, conversation, `message ${i}`));
  }
}

/** Calls `action(0)` to `action(count - 1)` with limited concurrency. */
export async function inParallel(clients, count, action) {
  let next = 0;
  const client = async () => {
    while (next < count) await action(next++);
  };
  await Promise.all(Array.from({ length: clients }, client));
}

/**
 * Keeps clients busy for a while before a measurement: servers run for weeks, and code that is not yet
 * optimised is several times as slow in its first thousand requests.
 * @param ms the same for each server, however many requests it answers in that time
 */
export async function warmUp(clients, ms, action) {
  const end = performance.now() + ms;
  const client = async () => {
    while (performance.now() < end) await action();
  };
  await Promise.all(Array.from({ length: clients }, client));
}

/** One page of events. */
export function searchEvents(server, conversation, query = '') {
  return server.expect(200, 'GET', `${conversation}/events/search?limit=100${query}`);
}

/** All events in order, optionally of one kind. */
export async function allEvents(server, conversation, query = '') {
  const events = [];
  let page;
  do {
    const from = page === undefined ? '' : `&page_id=${encodeURIComponent(page)}`;
    const answer = await searchEvents(server, conversation, `${query}${from}`);
    events.push(...answer.items);
    page = answer.next_page_id;
  } while (page);
  return events;
}

/** All events of a kind, in order. */
export function eventsOfKind(server, conversation, kind) {
  return allEvents(server, conversation, `&kind=${kind}`);
}

/**
 * Waits for the end of a run and checks that it made `calls` successful tool calls. Returns the actions.
 * @param caller the model of the run: it knows the progress without requests, which would cost the server
 *   time
 */
export async function finishedWith(server, conversation, calls, caller) {
  if (caller) {
    const look = seldom(() => isFinished(server, conversation));
    await until(async () => caller.isDone() || (await look()), 'the last step', 20);
  }
  await until(() => isFinished(server, conversation), 'the end of a run', 100);
  const actions = await eventsOfKind(server, conversation, 'ActionEvent');
  const observations = await eventsOfKind(server, conversation, 'ObservationEvent');
  if (actions.length !== calls || observations.length !== calls) {
    throw new Error(
      `${actions.length} actions and ${observations.length} observations, not ${calls} of each`,
    );
  }
  if (observations.some(({ observation }) => observation.is_error)) throw new Error('a tool failed');
  return actions;
}

/** Evaluates the condition only once in a hundred calls; otherwise false. */
function seldom(condition) {
  let times = 0;
  return () => ++times % 100 === 0 && condition();
}

/** @throws when a run has failed */
async function isFinished(server, conversation) {
  const { execution_status: status } = await server.expect(200, 'GET', conversation);
  if (status === 'error' || status === 'stuck') throw new Error(`the run ended with ${status}`);
  return status === 'finished';
}
