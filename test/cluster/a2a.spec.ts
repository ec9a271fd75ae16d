import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TaskState } from '@a2a-js/sdk';
import {
  a2aClient,
  message,
  readStream,
  sending,
  sendTo,
  textOf,
  useScriptedModel,
} from '../support/a2a-fixture.js';
import { MemberServers } from '../support/cluster/member-servers.js';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually, type ServerProcess } from '../support/server-process.js';

describeWithDatabase('tasks of other agents in a cluster', () => {
  const members = MemberServers.forTests();

  const waits = async (server: ServerProcess): Promise<number> => {
    const text = String((await server.request('GET', '/metrics')).body);
    return Number(/^agent_server_rpc_waits (\d+)/m.exec(text)?.[1]);
  };

  it('are served by every server, whichever has their conversation, and outlive it', async () => {
    const [one, two] = [await members.start(), await members.start()];
    await useScriptedModel(one);
    const [first, second] = [await a2aClient(one.url), await a2aClient(two.url)];

    // The same message at two servers at once is one task.
    const sent = message('FINISH: once');
    const both = await Promise.all([sendTo(first, sent), sendTo(second, sent)]);
    expect(both[0].id).toBe(both[1].id);

    const file = path.join(members.folder, 'go');
    const script = `RUN: until [ -e ${file} ]; do sleep 0.05; done\nFINISH: done`;
    const task = await sendTo(first, message(script), true);
    const stop = new AbortController();
    let begun = 0;
    const onEvent = (): void => void (begun += 1);
    const broken = readStream(
      second.resubscribeTask({ tenant: '', id: task.id }, { signal: stop.signal }),
      onEvent,
    );
    await eventually(() => begun > 0, 'the stream');
    expect([await waits(one), await waits(two)]).toEqual([1, 0]);
    stop.abort();
    await expect(broken).rejects.toBeDefined();
    await eventually(async () => (await waits(one)) === 0, 'the end of the stream at the server of the task');
    const followed = readStream(second.resubscribeTask({ tenant: '', id: task.id }), onEvent);
    await writeFile(file, '');
    expect(await followed).toMatchObject({ answer: 'done' });

    const context = { contextId: task.contextId };
    const next = await readStream(
      second.sendMessageStream(sending(message('FINISH: from the other', context))),
    );
    expect(next.answer).toBe('from the other');
    // Its server dies: another one reads its tasks, and goes on with it when the lease is over.
    await one.end('SIGKILL');
    const read = async () => textOf((await second.getTask({ tenant: '', id: task.id })).artifacts[0]);
    await eventually(async () => (await read().catch(() => '')) === 'done', 'the task');
    const after = message('FINISH: after that', context);
    let last = TaskState.UNRECOGNIZED;
    await eventually(async () => {
      last = (await sendTo(second, after).catch(() => undefined))?.status?.state ?? last;
      return last === TaskState.TASK_STATE_COMPLETED;
    }, 'the message');
  });
});
