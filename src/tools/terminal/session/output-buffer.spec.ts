import { OutputBuffer } from './output-buffer.js';

describe('OutputBuffer', () => {
  it('returns each output once, without trailing white space', async () => {
    const buffer = new OutputBuffer();
    buffer.append(Buffer.from('a\r\n'));
    buffer.append(Buffer.from(' b \r\n\r\n'));
    expect(await buffer.take()).toEqual({ text: 'a\n b' });
    expect(await buffer.take()).toEqual({ text: '' });
  });

  it('keeps an incomplete character until the rest arrives', async () => {
    const buffer = new OutputBuffer();
    const bytes = Buffer.from('aü');
    buffer.append(bytes.subarray(0, 2));
    expect((await buffer.take()).text).toBe('a');
    buffer.append(bytes.subarray(2));
    expect((await buffer.take()).text).toBe('ü');
  });

  it('drops the oldest output up to the start of a line', async () => {
    const buffer = new OutputBuffer();
    const line = `${'x'.repeat(1022)}\r\n`;
    for (let at = 0; at < 20_000; at += 1) buffer.append(Buffer.from(line));
    buffer.append(Buffer.from('end'));
    const { text, remainingLines } = await buffer.take();
    expect(text.startsWith(`${'x'.repeat(1022)}\n`)).toBe(true);
    expect(text.endsWith('\nend')).toBe(true);
    expect(remainingLines).toBe(text.split('\n').length);
    expect(text.length).toBeLessThanOrEqual(4 * 1024 * 1024);
    buffer.append(Buffer.from('next'));
    expect(await buffer.take()).toEqual({ text: 'next' });
  });
});
