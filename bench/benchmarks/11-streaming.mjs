import { createConversation, sendMessage } from '../support/conversation.mjs';
import { startModel } from '../support/model.mjs';
import { percentile } from '../support/table.mjs';
import { until } from '../support/waiting.mjs';

/** Latency of tokens: from when the endpoint sends a token to when the socket delivers it. */
export const benchmark = {
  name: 'streaming',
  rounds: { full: 5, quick: 2 },
  rows: {
    p50: { title: 'streaming, 100 tokens a second: lag, p50', unit: 'ms', better: 'less' },
    p95: { title: 'the same, p95', unit: 'ms', better: 'less', target: { figure: 3, times: 104 } },
    burst: {
      title: 'streaming, 1,000 tokens at once (limit: read without a server)',
      unit: 'tokens a second',
      better: 'more',
      target: { figure: 25_000, times: 10 },
    },
  },
  async measure({ start, model, quick }) {
    const server = await start();
    // The first stream of a server includes loading of modules.
    await stream(server, model, 50, 0);
    const slow = await stream(server, model, quick ? 300 : 500, 10);
    const bursts = [];
    for (let i = 0; i < 3; i++) bursts.push(await stream(server, model, 1_000, 0));
    const lags = slow.map(({ sent, came }) => came - sent);
    return {
      p50: percentile(lags, 50),
      p95: percentile(lags, 95),
      burst: percentile(bursts.map(rateOf), 50),
    };
  },
  async limit() {
    const model = await startModel();
    try {
      await readDirectly(model);
      return { burst: rateOf(await readDirectly(model)) };
    } finally {
      await model.close();
    }
  },
};

function rateOf(tokens) {
  const seconds = (Math.max(...tokens.map(({ came }) => came)) - tokens[0].sent) / 1000;
  return tokens.length / seconds;
}

/** The baseline: the endpoint and a reader without a server in between. */
async function readDirectly(model) {
  const response = await fetch(`${model.streaming(1_000, 0).llm.base_url}/chat/completions`, {
    method: 'POST',
  });
  const tokens = [];
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const came = performance.now();
    rest += chunk;
    for (const [, sent] of rest.matchAll(/<([\d.]+)>/g)) tokens.push({ sent: Number(sent), came });
    rest = rest.slice(rest.lastIndexOf('>') + 1);
  }
  if (tokens.length !== 1_000) throw new Error(`${tokens.length} tokens came, not 1,000`);
  return tokens;
}

/** Streams an answer with `count` tokens. Returns when each was sent and received. */
async function stream(server, model, count, everyMs) {
  const conversation = await createConversation(server, model.streaming(count, everyMs).llm, { tools: [] });
  const tokens = [];
  let greeted = false;
  const watcher = await server.watch(`/sockets/events/${conversation.split('/').at(-1)}`, (frame) => {
    greeted = true;
    if (!frame.includes('"StreamingDeltaEvent"')) return;
    const came = performance.now();
    // A server may combine several tokens in one event.
    for (const [, sent] of JSON.parse(frame).content.matchAll(/<([\d.]+)>/g))
      tokens.push({ sent: Number(sent), came });
  });
  await until(() => greeted, 'a snapshot', 5);
  await sendMessage(server, conversation, 'talk', true);
  await until(() => tokens.length >= count || watcher.closed !== undefined, 'the tokens', 20);
  watcher.close();
  if (tokens.length !== count) throw new Error(`${tokens.length} tokens came, not ${count}`);
  return tokens;
}
