import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { EventSourceClient } from '../support/event-stream-client.js';
import { eventually } from '../support/eventually.js';
import { MemberServers } from '../support/cluster/member-servers.js';

describe('a stream of events of another server', () => {
  const members = MemberServers.forTests();

  it('goes on without a gap and without a duplicate when its server is killed, and when it ends', async () => {
    const [owner, second] = [await members.start(), await members.start()];
    const work = path.join(members.folder, 'work');
    const script = (name: string): string =>
      `SAY: ${name}\nRUN: until [ -e ${name} ]; do sleep 0.2; done\nRUN: echo ${name}\nFINISH: ${name}`;
    const one = await ConversationClient.create(owner, scriptedRequest(work, script('killed')));
    await one.startsTool();
    const stream = new EventSourceClient(second, one.id);
    await eventually(() => stream.seqs.length > 0, 'the replay');
    await owner.end('SIGKILL');
    const there = one.on(second);
    await there.reaches('paused');
    const third = await members.start();
    const other = new EventSourceClient(third, one.id);
    await writeFile(path.join(work, 'moved'), '');
    await there.send(script('moved'));
    await there.reaches('finished');
    const caughtUp = async (client: EventSourceClient, from: ConversationClient): Promise<void> => {
      const { length } = await from.events();
      await eventually(() => client.failed !== undefined || client.seqs.length >= length, 'all events');
      expect(client.failed).toBeUndefined();
      expect(client.seqs).toEqual(Array.from({ length }, (_, seq) => seq));
    };
    await caughtUp(stream, there);
    expect(stream.connections).toBeGreaterThan(1);
    await caughtUp(other, there);
    const connections = other.connections;
    // It gives its conversations up before it ends.
    await second.stop();
    await one.on(third).send('FINISH: at the third');
    await one.on(third).reaches('finished');
    await caughtUp(other, one.on(third));
    expect(other.connections).toBeGreaterThan(connections);
    await Promise.all([stream.close(), other.close()]);
  });
});
