import fc from 'fast-check';
import { InProcessEventBus } from '../../events/bus/in-process-event-bus.js';
import type { OutputPiece } from '../../events/index.js';
import { HIDDEN, StreamMask, TextMask } from '../secrets/text-mask.js';
import { RunningOutputs } from './running-outputs.js';

const SECRET = 'a-secret-of-some-length-0123456789';

describe('RunningOutputs', () => {
  function start() {
    const bus = new InProcessEventBus();
    const mask = new TextMask([SECRET]);
    const masked = { times: 0 };
    const stream = (): StreamMask =>
      new StreamMask(() => {
        masked.times += 1;
        return mask;
      });
    const outputs = new RunningOutputs('c', bus, { stream });
    const abort = new AbortController();
    const pieces: OutputPiece[] = [];
    const watch = () =>
      bus.subscribe('c', { onEvent: () => undefined, onOutput: (piece) => pieces.push(piece) });
    return { bus, outputs, output: outputs.open('a', abort.signal), abort, pieces, masked, watch };
  }

  it('prepares nothing unless somebody watches', () => {
    const { bus, output, outputs, masked, pieces, watch } = start();
    bus.subscribe('c', { onEvent: () => undefined });
    bus.subscribe('*', { onEvent: () => undefined, onOutput: () => undefined });
    for (let chunk = 0; chunk < 100; chunk += 1) output.write(Buffer.alloc(65_536, 'x'));
    output.end();
    expect(masked.times).toBe(0);

    const next = outputs.open('b', new AbortController().signal);
    const stop = watch();
    next.write(Buffer.from('seen'));
    expect(outputs.recent()).toEqual([{ conversationId: 'c', actionId: 'b', offset: 0, text: 'seen' }]);
    stop();
    const before = masked.times;
    next.write(Buffer.from('not seen'));
    next.end();
    expect(masked.times).toBe(before);
    expect(pieces.map(({ text }) => text)).toEqual(['seen']);
    expect(outputs.recent()).toEqual([]);
  });

  it('publishes the rest at the end, and nothing once the run was interrupted', () => {
    const { output, outputs, pieces, abort, watch } = start();
    watch();
    output.write(Buffer.from('one '));
    outputs.recent();
    output.write(Buffer.from(`two ${SECRET.slice(0, 5)}`));
    output.end();
    expect(pieces.map(({ offset, text }) => [offset, text])).toEqual([
      [0, 'one '],
      [4, `two ${SECRET.slice(0, 5)}`],
    ]);
    const other = outputs.open('b', abort.signal);
    other.write(Buffer.from('three'));
    outputs.recent();
    other.write(Buffer.from('four'));
    abort.abort();
    other.end();
    expect(pieces.map(({ text }) => text)).toEqual(['one ', expect.anything(), 'three']);
  });

  it('shows every character once, wherever the chunks end, as long as there is time', () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom('ä', '你', '🚀', SECRET, '\n'), fc.string()) });
    fc.assert(
      fc.property(text, fc.array(fc.nat(9), { minLength: 1 }), (printed, sizes) => {
        const { output, outputs, pieces, watch } = start();
        watch();
        const bytes = Buffer.from(printed);
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = 1 + (sizes[turn % sizes.length] ?? 0);
          output.write(bytes.subarray(at, at + size));
          if (size % 2 === 0) outputs.recent();
          at += size;
        }
        outputs.recent();
        output.end();
        let shown = '';
        for (const piece of pieces) {
          expect(piece.offset).toBe(shown.length);
          shown += piece.text;
        }
        const whole = bytes.toString().replaceAll(SECRET, HIDDEN);
        // The beginning of a secret is held back, and is not published if nothing was before.
        expect(pieces.length === 0 ? whole.length < SECRET.length : shown === whole).toBe(true);
      }),
    );
  });

  it('shows no part of a secret where a flood was cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 8, maxLength: 24 });
    fc.assert(
      fc.property(sizes, fc.nat(60), (turns, width) => {
        const { outputs, output, pieces, watch } = start();
        watch();
        const lines = Buffer.from(`${'-'.repeat(width)}${SECRET}🚀`.repeat(1000));
        const endless = Buffer.concat(Array<Buffer>(4).fill(lines));
        let at = 0;
        for (const size of turns) {
          for (let chunk = 0; chunk < 12; chunk += 1) {
            output.write(endless.subarray(at, at + size));
            at = (at + size) % lines.length;
          }
          outputs.recent();
        }
        let end = 0;
        for (const { offset, text } of pieces) {
          expect(text.length).toBeLessThanOrEqual(16 * 1024);
          expect(offset).toBeGreaterThanOrEqual(end);
          end = offset + text.length;
          expect(text.replaceAll(HIDDEN, '')).toMatch(/^[-🚀]*$/u);
        }
        expect(pieces.length).toBeGreaterThan(0);
      }),
      { numRuns: 30 },
    );
  });
});
