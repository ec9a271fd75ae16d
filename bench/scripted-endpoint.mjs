// The scripted model behind an OpenAI-compatible endpoint, as a command:
//
//     node bench/scripted-endpoint.mjs --port 8080
//
// Needs a build (it runs from dist/current/). Prints its address and answers until it is ended.
import { parseArgs } from 'node:util';
import * as player from '../dist/current/llm/scripted/player.js';
import { startChatEndpoint } from '../test/support/chat-endpoint.mjs';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    'chunk-delay': { type: 'string', default: '0' },
  },
});
const endpoint = await startChatEndpoint({
  player,
  host: values.host,
  port: Number(values.port),
  chunkDelay: Number(values['chunk-delay']),
});
console.log(endpoint.url);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void endpoint.close());
