import { conversationRequest, createConversation, inParallel, warmUp } from '../support/conversation.mjs';
import { durableCreationMs, echoes } from '../support/limits.mjs';
import { percentile } from '../support/table.mjs';

const ANY = { model: 'openai/scripted', base_url: 'http://127.0.0.1:9/v1', api_key: 'none' };

/** Creation of conversations by one client and by sixteen concurrent clients. */
export const benchmark = {
  name: 'create',
  rows: {
    p50: {
      title:
        'create, one after another, p50 (limit: a folder and a file, both durable, and a bare HTTP echo)',
      unit: 'ms',
      better: 'less',
      target: { figure: 1, times: 15.7 },
    },
    p95: { title: 'the same, p95', unit: 'ms', better: 'less' },
    p99: { title: 'the same, p99', unit: 'ms', better: 'less' },
    rate: {
      title: 'create, 16 clients at once, successes',
      unit: 'a second',
      better: 'more',
      target: { figure: 1000, times: 18.5 },
    },
    refused: { title: 'the same, refused with 429', unit: '%', better: 'less', target: { figure: 0 } },
  },
  async measure({ start, quick }) {
    const server = await start();
    await warmUp(1, quick ? 1_000 : 3_000, () => createConversation(server, ANY));
    const waits = [];
    for (let i = 0; i < (quick ? 100 : 300); i++) {
      const started = performance.now();
      await createConversation(server, ANY);
      waits.push(performance.now() - started);
    }
    return {
      p50: percentile(waits, 50),
      p95: percentile(waits, 95),
      p99: percentile(waits, 99),
      ...(await createAtOnce(server, quick ? 160 : 480)),
    };
  },
  async limit({ quick }) {
    const made = await durableCreationMs(quick ? 100 : 300);
    return { p50: made + 1000 / (await echoes(1, 2_000)) };
  },
};

async function createAtOnce(server, count) {
  const request = await conversationRequest(server, ANY);
  const ids = new Set();
  let refused = 0;
  const started = performance.now();
  await inParallel(16, count, async () => {
    const { status, text } = await server.send('POST', '/api/conversations', request);
    if (status === 429) refused += 1;
    else if (status === 201) ids.add(JSON.parse(text).id);
    else throw new Error(`a creation was answered ${status}: ${text.slice(0, 300)}`);
  });
  const seconds = (performance.now() - started) / 1000;
  if (ids.size + refused !== count) throw new Error('two conversations have the same id');
  return { rate: ids.size / seconds, refused: (refused * 100) / count };
}
