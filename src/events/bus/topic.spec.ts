import type { ConversationEvent, EventSubscriber, PublishedEvent } from '../index.js';
import { createEvent, serialiseEvent } from '../index.js';
import { Topic } from './topic.js';

function published(seq: number): PublishedEvent {
  const event: ConversationEvent = createEvent({ source: 'user', kind: 'PauseEvent' });
  return { conversationId: 'c', event, line: serialiseEvent(event), seq };
}

/** Records what it receives, slowly. */
class Slow implements EventSubscriber {
  readonly seqs: (number | undefined)[] = [];

  constructor(private readonly ms = 0.1) {}

  onEvent({ seq }: PublishedEvent): void {
    this.seqs.push(seq);
    for (const end = performance.now() + this.ms; performance.now() < end;);
  }
}

describe('Topic', () => {
  const publish = (topic: Topic, seq: number): void => {
    const event = published(seq);
    topic.publish((subscriber) => subscriber.onEvent(event));
  };
  const allHave = async (subscribers: readonly Slow[], count: number): Promise<void> => {
    while (subscribers.some(({ seqs }) => seqs.length < count)) await new Promise(setImmediate);
  };

  it('calls a small number of subscribers before publish returns', () => {
    const topic = new Topic(() => undefined);
    const few = [new Slow(), new Slow()];
    for (const subscriber of few) topic.add(subscriber);
    publish(topic, 0);
    expect(few.map(({ seqs }) => seqs)).toEqual([[0], [0]]);
  });

  it('yields while it calls many subscribers, and delivers everything in order to each', async () => {
    const topic = new Topic(() => undefined);
    const many = Array.from({ length: 200 }, () => new Slow());
    for (const subscriber of many) topic.add(subscriber);
    for (let seq = 0; seq < 5; seq += 1) publish(topic, seq);
    expect(many[199]?.seqs).toEqual([]);
    // A new subscriber receives only what is published from now on.
    const late = new Slow();
    topic.add(late);
    const left = many[199];
    if (left) topic.delete(left);
    publish(topic, 5);
    await allHave([...many.slice(0, 199), late], 1);
    await allHave(many.slice(0, 199), 6);
    for (const { seqs } of many.slice(0, 199)) expect(seqs).toEqual([0, 1, 2, 3, 4, 5]);
    expect(late.seqs).toEqual([5]);
    expect(left?.seqs).toEqual([]);
  });

  it('yields early if single subscribers are slow', async () => {
    const topic = new Topic(() => undefined);
    const slow = Array.from({ length: 12 }, () => new Slow(2));
    for (const subscriber of slow) topic.add(subscriber);
    publish(topic, 0);
    expect(slow.filter(({ seqs }) => seqs.length > 0).length).toBeLessThan(6);
    await allHave(slow, 1);
  });

  it('stops yielding when too many calls are queued', async () => {
    const topic = new Topic(() => undefined);
    const many = Array.from({ length: 100 }, () => new Slow());
    for (const subscriber of many) topic.add(subscriber);
    for (let seq = 0; seq < 102; seq += 1) publish(topic, seq);
    expect(many[99]?.seqs.length).toBeGreaterThan(100);
    await allHave(many, 102);
    for (const { seqs } of many) expect(seqs).toEqual(Array.from({ length: 102 }, (_, seq) => seq));
  });

  it('delivers an event to all although one subscriber throws', () => {
    const complaints: unknown[] = [];
    const topic = new Topic((error) => complaints.push(error));
    const broken: EventSubscriber = {
      onEvent: () => {
        throw new Error('broken');
      },
    };
    const well = new Slow();
    topic.add(broken);
    topic.add(well);
    publish(topic, 0);
    expect(well.seqs).toEqual([0]);
    expect(complaints).toHaveLength(1);
  });
});
