import { setTimeout as sleep } from 'node:timers/promises';
import { createConversation, finishedWith, sendMessage } from '../support/conversation.mjs';
import { percentile } from '../support/table.mjs';

const AGENTS = 20;
const STEPS = 20;

/** Concurrent agents, each with its own terminal, and the latency of the server meanwhile. */
export const benchmark = {
  name: 'many-agents',
  rounds: { full: 3, quick: 1 },
  rows: {
    wall: {
      title: '20 conversations of 20 terminal steps at once',
      unit: 's',
      better: 'less',
      target: { figure: 2.5, times: 15.4 },
    },
    healthP50: { title: 'the same, `/health` meanwhile, p50', unit: 'ms', better: 'less' },
    healthP95: {
      title: 'the same, `/health` meanwhile, p95',
      unit: 'ms',
      better: 'less',
      target: { figure: 10, times: 45.9 },
    },
    peak: {
      title: 'the same, peak memory of the server and its children (PSS)',
      unit: 'MiB',
      better: 'less',
      target: { times: 4 },
    },
  },
  async measure({ start, model }) {
    const server = await start({ env: { OH_MAX_CONCURRENT_RUNS: String(AGENTS) } });
    const agents = [];
    for (let i = 0; i < AGENTS; i++) {
      const caller = model.calling('terminal', { command: 'true' }, STEPS);
      agents.push({ caller, conversation: await createConversation(server, caller.llm) });
    }
    const over = new AbortController();
    const { signal } = over;
    const [wall, waits, peak] = await Promise.all([
      workAll(server, agents).finally(() => over.abort()),
      watchHealth(server, signal),
      watchMemory(server, signal),
    ]);
    return { wall, healthP50: percentile(waits, 50), healthP95: percentile(waits, 95), peak };
  },
};

/** Seconds from the first message to the model's last answer. */
async function workAll(server, agents) {
  const started = performance.now();
  await Promise.all(agents.map(({ conversation }) => sendMessage(server, conversation, 'work', true)));
  await Promise.all(
    agents.map(({ conversation, caller }) => finishedWith(server, conversation, STEPS + 1, caller)),
  );
  return (Math.max(...agents.map(({ caller }) => caller.answered.at(-1))) - started) / 1000;
}

async function watchHealth(server, signal) {
  const waits = [];
  while (!signal.aborted) {
    const started = performance.now();
    const { status } = await server.send('GET', '/health');
    if (status !== 200) throw new Error(`/health answered ${status}`);
    waits.push(performance.now() - started);
    await sleep(10);
  }
  return waits;
}

/** Rarely, because reading the memory map pauses the process. */
async function watchMemory(server, signal) {
  let peak = 0;
  while (!signal.aborted) {
    peak = Math.max(peak, (await server.memory()).all);
    await sleep(300);
  }
  return Math.max(peak, (await server.memory()).all);
}
