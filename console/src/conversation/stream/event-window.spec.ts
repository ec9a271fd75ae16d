import { EventWindow } from './event-window.js';
import type { WireEvent } from './wire-event.js';

const events = (from: number, to: number, text = ''): WireEvent[] =>
  Array.from({ length: to - from }, (_, index) => ({
    id: String(from + index),
    kind: 'MessageEvent',
    source: 'user',
    timestamp: '',
    text,
  }));
const ids = (window: EventWindow) => window.events.map(({ id }) => Number(id));

describe('the window of a log', () => {
  it('grows on both sides without doubles, and knows the numbers of its events', () => {
    const window = new EventWindow();
    window.reset(events(10, 20), 20);
    window.append(events(18, 25));
    window.prepend(events(5, 12));
    expect(ids(window)).toEqual(events(5, 25).map(({ id }) => Number(id)));
    expect([window.start, window.end]).toEqual([5, 25]);
  });

  it('keeps a bounded number of events', () => {
    const window = new EventWindow(10);
    window.reset(events(0, 8), 8);
    window.append(events(8, 15));
    expect(window.trim('start')).toBe(true);
    expect([ids(window)[0], window.start, window.end]).toEqual([5, 5, 15]);
    window.prepend(events(0, 5));
    expect(window.trim('end')).toBe(true);
    expect([window.start, window.end]).toEqual([0, 10]);
    expect(window.has('12')).toBe(false);
  });

  it('keeps less of large events, but at least one', () => {
    const window = new EventWindow(10, 10_000);
    window.reset(events(0, 5, 'x'.repeat(4000)));
    window.trim('start');
    expect(ids(window)).toEqual([3, 4]);
    window.append(events(5, 6, 'x'.repeat(50_000)));
    window.trim('start');
    expect(ids(window)).toEqual([5]);
  });

  it('learns the numbers of its events from one of them', () => {
    const window = new EventWindow();
    window.reset(events(10, 20));
    expect(window.end).toBeUndefined();
    window.locate('15', 15);
    expect([window.start, window.end]).toEqual([10, 20]);
  });
});
