import { createEvent, serialiseEvent, type PublishedEvent } from '../../events/index.js';
import { EventFrames, SessionFrames } from './frame-format.js';

const event = createEvent({ source: 'environment', code: 'a', detail: 'ä 中 😀', kind: 'ServerErrorEvent' });
const line = serialiseEvent(event);
/** Two objects: a format builds a frame once for each. */
const small: PublishedEvent = { conversationId: 'c', event, line, seq: 7 };
const large: PublishedEvent = { ...small, bytes: Buffer.from(line) };

describe('the frame of an event that is already encoded', () => {
  it.each([
    ['events socket', () => new EventFrames()],
    ['session socket', () => new SessionFrames()],
  ])('is that of an event that is not: %s', (_name, format) => {
    const frames = format();
    const frame = frames.durable(large, 7);
    expect(frame.toString()).toBe(frames.durable(small, 7).toString());
    expect(JSON.parse(frame.toString())).toBeInstanceOf(Object);
    expect(frames.replayed(Buffer.from(line), 7)).toEqual(frame);
  });
});
