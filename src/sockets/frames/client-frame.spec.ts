import fc from 'fast-check';
import { readAuthKey, readClientFrame, type ClientFrame } from './client-frame.js';

const text = (value: string) => ({ cache_prompt: false, type: 'text', text: value });
const readText = (frame: string): Promise<ClientFrame> => readClientFrame(Buffer.from(frame));
const read = (value: unknown) => readText(JSON.stringify(value));
const message = (...content: unknown[]) => ({ type: 'message', message: { role: 'user', content } });

describe('readClientFrame', () => {
  it('parses messages with text or parts', async () => {
    expect(await read({ role: 'user', content: 'hi' })).toEqual(message(text('hi')));
    expect(await read({ role: 'user', content: 'hi', run: false, sender: 'ui' })).toEqual(
      message(text('hi')),
    );
    expect(await read({ role: 'user' })).toEqual(message());
    expect(await read({ role: 'user', content: null })).toEqual(message());
    expect(await read({ role: 'user', content: [] })).toEqual(message());
    expect(
      await read({
        role: 'user',
        content: [{ type: 'text', text: 'a', cache_prompt: true }, { image_urls: ['u'] }],
      }),
    ).toEqual(
      message(
        { ...text('a'), cache_prompt: true },
        { cache_prompt: false, type: 'image', image_urls: ['u'] },
      ),
    );
  });

  it('parses messages in the format of the first servers', async () => {
    expect(await read({ type: 'message', content: 'Hello, agent!' })).toEqual(message(text('Hello, agent!')));
    expect(await read({ type: 'message', content: [{ type: 'text', text: 'x' }] })).toEqual(
      message(text('x')),
    );
  });

  it('parses keys of clients that are already authenticated', async () => {
    expect(await read({ type: 'auth', session_api_key: 'x' })).toEqual({ type: 'auth' });
    expect(await read({ type: 'auth' })).toEqual({ type: 'auth' });
    expect(await read({ type: 'auth', session_api_key: 'x', more: 1 })).toMatchObject({
      code: 'ValidationError',
    });
  });

  it.each([
    ['', 'JSONDecodeError', 'not valid JSON'],
    ['not json', 'JSONDecodeError', 'not valid JSON'],
    ['NaN', 'JSONDecodeError', 'not valid JSON'],
    ['{"foo":1}', 'ValidationError', 'role\n  Field required [type=missing]'],
    ['[]', 'ValidationError', 'valid dictionary or instance of Message'],
    ['null', 'ValidationError', 'valid dictionary or instance of Message'],
    ['5', 'ValidationError', 'valid dictionary or instance of Message'],
    ['{"role":"nope"}', 'ValidationError', "'user', 'system', 'assistant' or 'tool'"],
    ['{"role":"user","content":5}', 'ValidationError', 'content\n'],
    ['{"role":"user","content":["a"]}', 'ValidationError', 'content.0\n'],
    ['{"role":"user","content":[{"type":"text"}]}', 'ValidationError', 'text should be a valid string'],
    [
      '{"role":"user","content":[{"type":"image","image_urls":"x"}]}',
      'ValidationError',
      'image_urls should be',
    ],
    ['{"role":"user","content":"a\\ud800"}', 'ValidationError', 'surrogates not allowed'],
    ['{"role":"assistant","content":"x"}', 'AssertionError', 'Only user messages are allowed'],
  ])('refuses %s', async (frame, code, detail) => {
    const containing: unknown = expect.stringContaining(detail);
    expect(await readText(frame)).toEqual({ type: 'invalid', code, detail: containing });
  });

  it('limits the length of error texts', async () => {
    const long = 'x'.repeat(1_000_000);
    for (const frame of [
      long,
      { [long]: 1 },
      { role: long },
      { role: 'user', content: Array(10_000).fill(long[0]) },
    ]) {
      const answer = await read(frame);
      expect(answer.type === 'invalid' && answer.detail.length).toBeLessThan(2000);
    }
  });

  it('refuses deep nesting', async () => {
    const depth = 200_000;
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    expect((await readText(nested)).type).toBe('invalid');
    expect((await readText(`{"role":"user","content":${nested}}`)).type).toBe('invalid');
  });

  it('never throws', async () => {
    const part = fc.record(
      { type: fc.constantFrom('text', 'image', 'x', 1), text: fc.anything() },
      { requiredKeys: [] },
    );
    const nearlyMessage = fc.record(
      {
        type: fc.constantFrom('message', 'auth', 'x', null),
        role: fc.constantFrom('user', 'tool', 'x', 1, null),
        content: fc.oneof(fc.string(), fc.array(part), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const frames = fc.oneof(
      fc.string(),
      fc.json(),
      nearlyMessage.map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(frames, async (frame) => {
        expect(['message', 'auth', 'invalid']).toContain((await readText(frame)).type);
        readAuthKey(frame);
      }),
    );
  });
});

describe('readAuthKey', () => {
  it('returns the key of a first frame', () => {
    expect(readAuthKey('{"type":"auth","session_api_key":"k"}')).toBe('k');
  });

  it.each([
    'hello',
    '[]',
    '{"type":"message"}',
    '{"type":"auth"}',
    '{"type":"auth","session_api_key":1}',
    'null',
  ])('returns no key for %s', (frame) => expect(readAuthKey(frame)).toBeUndefined());
});
