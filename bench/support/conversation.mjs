import { setTimeout as sleep } from 'node:timers/promises';

/** Creates a conversation that has a terminal and does nothing yet; answers its route. */
export async function createConversation(server, llm, tools = ['terminal']) {
  const { id } = await server.expect(201, 'POST', '/api/conversations', {
    agent: { kind: 'Agent', llm: { usage_id: 'agent', ...llm }, tools: tools.map((name) => ({ name })) },
    workspace: { kind: 'LocalWorkspace', working_dir: await server.workingDir() },
    // Benchmarks repeat themselves on purpose.
    stuck_detection: false,
  });
  return `/api/conversations/${id}`;
}

/** Sends a message; resolves when the server has acknowledged it. */
export async function sendMessage(server, conversation, text, run = false) {
  const message = { role: 'user', content: [{ type: 'text', text }], run };
  const { success } = await server.expect(200, 'POST', `${conversation}/events`, message);
  if (success !== true) throw new Error('a message was not acknowledged');
}

/** How many events a conversation has. */
export function countEvents(server, conversation) {
  return server.expect(200, 'GET', `${conversation}/events/count`);
}

/** Calls `action(0)` to `action(count - 1)`, so many at once. */
export async function inParallel(clients, count, action) {
  let next = 0;
  const client = async () => {
    while (next < count) await action(next++);
  };
  await Promise.all(Array.from({ length: clients }, client));
}

/** All events of a kind, in order. */
export async function eventsOfKind(server, conversation, kind) {
  const events = [];
  let page;
  do {
    const from = page === undefined ? '' : `&page_id=${encodeURIComponent(page)}`;
    const answer = await server.expect(
      200,
      'GET',
      `${conversation}/events/search?limit=100&kind=${kind}${from}`,
    );
    events.push(...answer.items);
    page = answer.next_page_id;
  } while (page);
  return events;
}

/** Plays a script to its end; answers what a step took (ms), by the server's own timestamps. */
export async function timeSteps(server, conversation, script) {
  await sendMessage(server, conversation, [...script, 'FINISH: done'].join('\n'), true);
  await finished(server, conversation);
  const actions = await eventsOfKind(server, conversation, 'ActionEvent');
  const observations = await eventsOfKind(server, conversation, 'ObservationEvent');
  const expected = script.length + 1;
  if (actions.length !== expected || observations.length !== expected) {
    throw new Error(
      `${actions.length} actions and ${observations.length} observations, not ${expected} of each`,
    );
  }
  if (observations.some(({ observation }) => observation.is_error)) throw new Error('a tool failed');
  // From the first action to the last, so that what a first step sets up does not count.
  return (Date.parse(actions.at(-1).timestamp) - Date.parse(actions[0].timestamp)) / script.length;
}

async function finished(server, conversation) {
  for (;;) {
    const { execution_status: status } = await server.expect(200, 'GET', conversation);
    if (status === 'finished') return;
    if (status === 'error' || status === 'stuck') throw new Error(`the run ended with ${status}`);
    // Seldom: asking costs the server time, too.
    await sleep(100);
  }
}
