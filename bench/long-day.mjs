// One run of 2,000 steps with a condenser: `npm run build && node bench/long-day.mjs [steps]`. Prints what a
// step takes and how much memory the server has in the course of it, and ends with 1 where the end is not as
// fast or as small as the beginning.
import { setTimeout as sleep } from 'node:timers/promises';
import { startChatEndpoint } from '../test/support/chat-endpoint.mjs';
import { eventsOfKind, sendMessage } from './support/conversation.mjs';
import { endAllServers, startServer } from './support/server.mjs';
import { thisServer } from './support/this-server.mjs';

const steps = Number(process.argv[2] ?? 2_000);
const PARTS = 8;
/**
 * What the last part may have more than the first ones: noise of the machine, and of a heap that is collected
 * now and then.
 */
const SLOWER = 1.5;
const LARGER = 1.3;

const step = (index) => ({ tools: [['terminal', { command: `echo step ${index}; seq 1 400` }]] });
const model = await startChatEndpoint({
  script: [...Array.from({ length: steps }, (_, index) => step(index)), { say: 'done' }],
});
const condenser = await startChatEndpoint({ script: [{ say: 'A summary of it.', repeat: true }] });
const server = await startServer([...thisServer(), '--host', '127.0.0.1']);
try {
  const llm = (endpoint, usage_id) => ({
    model: 'openai/scripted',
    base_url: endpoint.url,
    api_key: 'x',
    usage_id,
  });
  const { id } = await server.expect(201, 'POST', '/api/conversations', {
    agent: {
      llm: llm(model, 'agent'),
      tools: [{ name: 'terminal' }],
      condenser: {
        kind: 'LLMSummarizingCondenser',
        llm: llm(condenser, 'condenser'),
        max_size: 80,
        keep_first: 4,
      },
    },
    workspace: { working_dir: await server.workingDir() },
    max_iterations: 10 * steps,
    stuck_detection: false,
    autotitle: false,
  });
  const route = `/api/conversations/${id}`;
  await sendMessage(server, route, 'work', true);
  const resident = [];
  const sent = [];
  for (let part = 1; part <= PARTS; part++) {
    const longest = await until((part * steps) / PARTS);
    resident.push(await server.residentMiB());
    sent.push(longest);
  }
  for (let status = ''; status !== 'finished'; await sleep(50)) {
    ({ execution_status: status } = await server.expect(200, 'GET', route));
    if (status === 'error' || status === 'stuck') throw new Error(`the run ended with ${status}`);
  }
  const actions = await eventsOfKind(server, route, 'ActionEvent');
  const condensations = await eventsOfKind(server, route, 'Condensation');
  if (actions.length !== steps) throw new Error(`${actions.length} actions, not ${steps}`);
  const times = Array.from({ length: PARTS }, (_, part) => {
    const [first, last] = [part, part + 1].map((at) => Math.min(Math.round((at * steps) / PARTS), steps - 1));
    return (Date.parse(actions[last].timestamp) - Date.parse(actions[first].timestamp)) / (last - first);
  });
  console.log('steps     ms a step   server (MiB)   longest request (messages)');
  for (const [part, ms] of times.entries()) {
    const row = [((part + 1) * steps) / PARTS, ms.toFixed(1), resident[part].toFixed(0), sent[part]];
    console.log(row.map((cell, index) => String(cell).padEnd([10, 12, 15, 0][index])).join(''));
  }
  console.log(`${condensations.length} condensations`);
  // The first part warms up; the heap takes longer to find its size.
  check('time', times.at(-1), Math.max(times[1], times[2]) * SLOWER);
  check('memory', resident.at(-1), resident[PARTS / 2 - 1] * LARGER);
  check('messages', sent.at(-1), Math.max(...sent.slice(0, 3)));
} finally {
  await endAllServers();
  await Promise.all([model.close(), condenser.close()]);
}

/**
 * Waits for so many requests; answers how many messages the longest of them had. What was looked at is not
 * kept.
 */
async function until(count) {
  let longest = 0;
  for (;;) {
    for (const request of [...model.requests, ...condenser.requests]) {
      longest = Math.max(longest, request.body?.messages.length ?? 0);
      request.body = undefined;
    }
    if (model.requests.length >= count) return longest;
    await sleep(20);
  }
}

function check(what, value, limit) {
  if (value <= limit) return;
  console.error(`${what}: ${value.toFixed(1)} at the end, more than ${limit.toFixed(1)}`);
  process.exitCode = 1;
}
