import { textContent, type Message } from '../../events/index.js';
import { RejectedReasoning } from './rejected-reasoning.js';

const thought = (signature: string): Message => ({
  role: 'assistant',
  content: [textContent('a')],
  thinking_blocks: [
    { type: 'thinking', thinking: 'hm', signature },
    { type: 'redacted_thinking', data: `hidden ${signature}` },
  ],
  responses_reasoning_item: { id: 'rs_1', summary: [], encrypted_content: `sealed ${signature}` },
  tool_calls: [
    {
      id: `c__thought__${signature}`,
      responses_item_id: 'fc_1',
      name: 'terminal',
      arguments: '{}',
      origin: 'responses',
    },
  ],
});
const result = (signature: string): Message => ({
  role: 'tool',
  content: [textContent('r')],
  tool_call_id: `c__thought__${signature}`,
  name: 'terminal',
  thinking_blocks: [],
});

/** A provider that rejects requests while they contain this signature. */
function provider(foreign: string, words: string) {
  const requests: (readonly Message[])[] = [];
  const send = (messages: readonly Message[]): Promise<string> => {
    requests.push(messages);
    if (!JSON.stringify(messages).includes(foreign)) return Promise.resolve('ok');
    return Promise.reject(Object.assign(new Error('Bad Request'), { responseBody: words }));
  };
  return { requests, send };
}

describe('RejectedReasoning', () => {
  it.each([
    ['messages.1.content.0: Invalid `signature` in `thinking` block'],
    [
      'messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation.',
    ],
    ['`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.'],
    [
      'The encrypted content gAAA... could not be verified. Reason: Encrypted content could not be decrypted or parsed.',
    ],
    ['Thought signature is not valid.'],
    ['Corrupted thought signature.'],
  ])('repeats a request without rejected reasoning and omits it from then on: %s', async (words) => {
    const { requests, send } = provider('FOREIGN', words);
    const reasoning = new RejectedReasoning();
    const history = [thought('FOREIGN'), result('FOREIGN')];
    expect(await reasoning.call('c', history, send)).toBe('ok');
    expect(requests[1]).toEqual([
      {
        role: 'assistant',
        content: [textContent('a')],
        thinking_blocks: [],
        tool_calls: [{ id: 'c', name: 'terminal', arguments: '{}', origin: 'responses' }],
      },
      { ...result('FOREIGN'), tool_call_id: 'c' },
    ]);
    const own = [thought('OWN'), result('OWN')];
    expect(await reasoning.call('c', [...history, ...own], send)).toBe('ok');
    expect(requests).toHaveLength(3);
    expect(requests[2]?.slice(2)).toEqual(own);
    // Nothing is remembered across conversations.
    await reasoning.call('d', history, send);
    expect(requests).toHaveLength(5);
  });

  it('rethrows other errors and repeats a request at most once', async () => {
    const other = provider('FOREIGN', 'max_tokens: too large');
    await expect(new RejectedReasoning().call('c', [thought('FOREIGN')], other.send)).rejects.toThrow(
      'Bad Request',
    );
    expect(other.requests).toHaveLength(1);
    const stubborn = provider('"role"', 'Thought signature is not valid.');
    await expect(new RejectedReasoning().call('c', [thought('X')], stubborn.send)).rejects.toThrow(
      'Bad Request',
    );
    expect(stubborn.requests).toHaveLength(2);
    const nothing = provider('"role"', 'Thought signature is not valid.');
    const plain: Message = { role: 'user', content: [textContent('hi')], thinking_blocks: [] };
    await expect(new RejectedReasoning().call('c', [plain], nothing.send)).rejects.toThrow('Bad Request');
    expect(nothing.requests).toHaveLength(1);
  });
});
