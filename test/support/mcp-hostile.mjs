import { createInterface } from 'node:readline';

// An MCP server over stdio whose messages are too large, too deeply nested or too many, as its argument says.

const mode = process.argv[2];
const echo = { name: 'echo', description: 'd', inputSchema: { type: 'object', properties: {} } };
const named = (count) => Array.from({ length: count }, (_, index) => `p${index}`);
const deep = `${'{"type":"object","properties":{"a":'.repeat(5_000)}{}${'}}'.repeat(5_000)}`;

/** Lists of tools as JSON. */
const LISTS = {
  'many-tools': () => JSON.stringify(named(20_000).map((name) => ({ ...echo, name }))),
  'deep-schema': () => `[{"name":"echo","inputSchema":${deep}}]`,
  'wide-schema': () => {
    const properties = Object.fromEntries(named(200_000).map((name) => [name, { type: 'string' }]));
    return JSON.stringify([{ ...echo, inputSchema: { type: 'object', properties } }]);
  },
  'long-name': () => JSON.stringify([echo, { ...echo, name: 'n'.repeat(1_000_000) }]),
};
/** Results of a call as JSON. */
const RESULTS = {
  'many-values': () => `{"content":[],"structuredContent":{"a":[${'{},'.repeat(3_000_000)}{}]}}`,
  'deep-result': () => `{"content":[],"structuredContent":{"a":${'['.repeat(4_000)}${']'.repeat(4_000)}}}`,
  'many-parts': () => JSON.stringify({ content: named(300_000).map((text) => ({ type: 'text', text })) }),
};
const resultOf = (method) => {
  if (method === 'initialize') {
    const serverInfo = { name: 'hostile', version: '1' };
    return JSON.stringify({ protocolVersion: '2025-03-26', capabilities: { tools: {} }, serverInfo });
  }
  if (method === 'tools/list') return `{"tools":${LISTS[mode]?.() ?? JSON.stringify([echo])}}`;
  return RESULTS[mode]?.() ?? JSON.stringify({ content: [{ type: 'text', text: 'done' }] });
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (id !== undefined) process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":${resultOf(method)}}\n`);
});
