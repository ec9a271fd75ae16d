import fc from 'fast-check';
import { readTerminalFrame } from './terminal-frame.js';

describe('readTerminalFrame', () => {
  const read = (frame: unknown) => readTerminalFrame(Buffer.from(JSON.stringify(frame)));

  it('reads sizes and confirmations', () => {
    expect(read({ type: 'resize', rows: 24, cols: 80 })).toEqual({ type: 'resize', rows: 24, cols: 80 });
    expect(read({ type: 'ack', offset: 5 })).toEqual({ type: 'ack', offset: 5 });
    expect(read({ type: 'auth', session_api_key: 'x' })).toEqual({ type: 'auth' });
  });

  it('refuses everything else, and never throws', () => {
    const wrong = [{}, [], null, 'x', { type: 'resize' }, { type: 'resize', rows: 0, cols: 80 }];
    for (const frame of [...wrong, { type: 'resize', rows: 1e9, cols: 80 }, { type: 'ack', offset: -1 }])
      expect([frame, read(frame).type]).toEqual([frame, 'invalid']);
    expect(readTerminalFrame(Buffer.alloc(5000, 'x')).type).toBe('invalid');
    fc.assert(
      fc.property(fc.json(), (text) => {
        readTerminalFrame(Buffer.from(text));
      }),
      { numRuns: 200 },
    );
  });
});
