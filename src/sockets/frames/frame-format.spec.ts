import { createEvent, serialiseEvent, type PublishedEvent } from '../../events/index.js';
import { EventFrames, SessionFrames } from './frame-format.js';

const event = createEvent({ source: 'environment', code: 'a', detail: 'ä 中 😀', kind: 'ServerErrorEvent' });
const line = serialiseEvent(event);
/** Two of them: a frame is made once for each. */
const small: PublishedEvent = { conversationId: 'c', event, line, seq: 7 };
const large: PublishedEvent = { ...small, bytes: Buffer.from(line) };

describe('the frame of an event whose bytes are there', () => {
  it.each([
    ['one event a frame', () => new EventFrames()],
    ['a session', () => new SessionFrames()],
  ])('is the same as without: %s', (_name, format) => {
    const frames = format();
    const frame = frames.durable(large, 7);
    expect(frame.toString()).toBe(frames.durable(small, 7).toString());
    expect(JSON.parse(frame.toString())).toBeInstanceOf(Object);
    expect(frames.replayed(Buffer.from(line), 7)).toEqual(frame);
  });
});
