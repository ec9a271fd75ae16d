import { RunningOutputs } from './running-outputs.js';

describe('running outputs', () => {
  const piece = (offset: number, text: string, action = 'a') => ({
    type: 'output',
    action_id: action,
    offset,
    text,
  });

  it('joins pieces, also those that a new connection repeats', () => {
    const outputs = new RunningOutputs();
    for (const frame of [piece(0, 'one '), piece(4, 'two '), piece(0, 'one two three'), piece(4, 'two ')])
      expect(outputs.take(frame)).toBe(true);
    expect(outputs.byAction.get('a')).toMatchObject({ text: 'one two three', leftOut: 0 });
    outputs.settle('a');
    expect(outputs.byAction.size).toBe(0);
  });

  it('begins again after a gap, and counts what is left out', () => {
    const outputs = new RunningOutputs();
    outputs.take(piece(0, 'one'));
    outputs.take(piece(1_000_000, 'last'));
    expect(outputs.byAction.get('a')).toMatchObject({ text: 'last', leftOut: 1_000_000 });
  });

  it('keeps the last lines, and the last drawings of a progress bar', () => {
    const outputs = new RunningOutputs();
    let offset = 0;
    const add = (text: string): void => {
      outputs.take(piece(offset, text));
      offset += text.length;
    };
    for (let line = 1; line <= 1000; line += 1) add(`line ${line}\n`);
    const { text = '', leftOut = 0 } = outputs.byAction.get('a') ?? {};
    expect(text.split('\n')).toHaveLength(200);
    expect(text).toMatch(/^line 802\n[^]*line 1000\n$/);
    expect(leftOut + text.length).toBe(offset);
    for (let drawn = 0; drawn < 10_000; drawn += 1) add(`\r${String(drawn).padStart(5)} of 10000`);
    const bar = outputs.byAction.get('a')?.text ?? '';
    expect(bar.length).toBeLessThanOrEqual(64_000);
    expect(bar).toMatch(/^ *\d+ of 10000\r[^]* 9999 of 10000$/);
  });

  it('keeps the outputs of a few calls, and ignores other frames', () => {
    const outputs = new RunningOutputs();
    for (let call = 0; call < 100; call += 1) outputs.take(piece(0, 'x', `call ${call}`));
    expect(outputs.byAction.size).toBe(32);
    expect(outputs.byAction.has('call 99')).toBe(true);
    expect(outputs.take({ type: 'delta', item_id: 'i' })).toBe(false);
    expect(outputs.take({ type: 'output', action_id: 1, offset: 'x' })).toBe(true);
  });
});
