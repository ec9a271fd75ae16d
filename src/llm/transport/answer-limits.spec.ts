import { turnsOf } from '../../../test/support/count-event-loop-turns.js';
import { limitAnswer, yieldForLargeChunk } from './answer-limits.js';

describe('yieldForLargeChunk', () => {
  it('yields to the event loop for each large chunk', async () => {
    const large = new Uint8Array(64 * 1024);
    const read = async (): Promise<void> => {
      for (let i = 0; i < 5; i += 1) await yieldForLargeChunk(large);
    };
    expect(await turnsOf(Promise.all([read(), read(), read(), read()]))).toBeGreaterThanOrEqual(19);
    const answers = Array.from({ length: 4 }, () =>
      limitAnswer(new Response(bodyOf(large, 5))).arrayBuffer(),
    );
    expect(await turnsOf(Promise.all(answers))).toBeGreaterThanOrEqual(19);
  });

  it('passes small chunks on without waiting', async () => {
    const small = new Uint8Array(300).fill(7);
    expect(await turnsOf(yieldForLargeChunk(small))).toBe(0);
    const bytes = await limitAnswer(new Response(bodyOf(small, 5))).arrayBuffer();
    expect(Buffer.from(bytes)).toEqual(Buffer.alloc(1500, 7));
  });

  function bodyOf(piece: Uint8Array, count: number): ReadableStream<Uint8Array> {
    return new ReadableStream({
      start(controller) {
        for (let i = 0; i < count; i += 1) controller.enqueue(piece);
        controller.close();
      },
    });
  }
});
