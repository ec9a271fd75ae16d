import { parseEvent, parseWithYield } from './parse-event.js';

const LONG = 'large, ä 中 😀 '.repeat(200_000);
const message = {
  id: 'e1',
  timestamp: '2026-01-01T00:00:00',
  source: 'user',
  llm_message: { role: 'user', content: [{ type: 'text', text: 'go' }], thinking_blocks: [] },
  activated_skills: [],
  extended_content: [],
  kind: 'MessageEvent',
};

describe('parseWithYield', () => {
  it.each([
    ['small', 'go'],
    ['large', LONG],
  ])('parses a %s event and refuses incomplete ones, as parseEvent does', async (_size, text) => {
    const content = [{ type: 'text', text }];
    const line = JSON.stringify({ ...message, llm_message: { ...message.llm_message, content } });
    const event = await parseWithYield(line);
    expect(JSON.stringify(event) === line).toBe(true);
    expect(JSON.stringify(parseEvent(line)) === line).toBe(true);
    // A required field is missing, or the line is truncated.
    expect(await parseWithYield(JSON.stringify({ ...message, llm_message: { text } }))).toBeUndefined();
    expect(await parseWithYield(line.slice(0, -5))).toBeUndefined();
  });
});
