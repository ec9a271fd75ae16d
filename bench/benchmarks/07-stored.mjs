import { createConversation, sendMessage } from '../support/conversation.mjs';
import { copyConversation } from '../support/stored.mjs';
import { median } from '../support/table.mjs';
import { until } from '../support/waiting.mjs';

const STORED = 10_000;
/** One in this many conversations is finished. */
const SELDOM = 100;

/** Start of a server whose folder has many conversations. */
export const benchmark = {
  name: 'stored',
  rounds: { full: 2, quick: 1 },
  rows: {
    alive: { title: '10,000 stored conversations: start to the first 200', unit: 'ms', better: 'less' },
    search: {
      title: 'the same, start to the first search',
      unit: 'ms',
      better: 'less',
      target: { figure: 600, times: 11.3 },
    },
    page: {
      title: 'the same, a page of 20',
      unit: 'ms',
      better: 'less',
      target: { figure: 1, times: 14.8 },
    },
    status: {
      title: 'the same, a page of a seldom status',
      unit: 'ms',
      better: 'less',
      target: { figure: 1, times: 47 },
    },
    afterCreation: { title: 'the same, a page after a creation', unit: 'ms', better: 'less' },
    memory: { title: 'the same, memory (RSS)', unit: 'MiB', better: 'less' },
  },
  async measure({ start, model, quick }) {
    const server = await start();
    const { llm } = model.saying('hello');
    const idle = await createConversation(server, llm);
    await sendMessage(server, idle, 'hi');
    const finished = await createConversation(server, llm);
    await sendMessage(server, finished, 'hi', true);
    await until(
      async () => (await server.expect(200, 'GET', finished)).execution_status === 'finished',
      'the end of a run',
      50,
    );
    await server.end();
    for (let i = 2; i < STORED; i++) copyConversation(server.folder, i % SELDOM === 0 ? finished : idle, i);

    const starts = [];
    for (let i = 0; i < (quick ? 2 : 3); i++) {
      await server.end();
      await server.start();
      await page(server, '', 20);
      starts.push({ alive: server.startMs, search: performance.now() - server.startedAt });
    }
    const count = await server.expect(200, 'GET', '/api/conversations/count');
    if (count !== STORED) throw new Error(`${count} conversations, not ${STORED}`);
    const times = quick ? 50 : 150;
    return {
      alive: median(starts.map(({ alive }) => alive)),
      search: median(starts.map(({ search }) => search)),
      page: await medianPage(server, times, ''),
      status: await medianPage(
        server,
        times,
        '&status=finished',
        ({ execution_status: status }) => status === 'finished',
      ),
      afterCreation: await pageAfterCreation(server, quick ? 5 : 15, llm),
      memory: await server.residentMiB(),
    };
  },
};

/** Milliseconds for a page. Checks its content. */
async function page(server, query, expected, isRight = () => true) {
  const { body, ms } = await server.read(`/api/conversations/search?limit=20${query}`);
  if (body.items.length !== expected || !body.items.every(isRight))
    throw new Error(`not the page it should be: ${query}`);
  return ms;
}

async function pageAfterCreation(server, times, llm) {
  const waits = [];
  for (let i = 0; i < times; i++) {
    await createConversation(server, llm);
    waits.push(await page(server, '', 20));
  }
  return median(waits);
}

async function medianPage(server, times, query, isRight) {
  const waits = [];
  for (let i = 0; i < times; i++) waits.push(await page(server, query, 20, isRight));
  return median(waits);
}
