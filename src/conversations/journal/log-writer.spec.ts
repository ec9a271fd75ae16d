import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createEvent } from '../../events/index.js';
import { InProcessEventBus } from '../../events/bus/in-process-event-bus.js';
import { FileLeaseStore } from '../../storage/file/lease/file-lease-store.js';
import { FileEventLogStore } from '../../storage/file/log/file-event-log-store.js';
import { statusUpdate } from '../state/state-updates.js';
import { LogWriter } from './log-writer.js';

const ID = '0c7a3f8e-6a52-4d35-9d7e-4be3f1c0a001';

describe('LogWriter', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'log-writer-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('lets readers see what is durable before a writer goes on and changes the state', async () => {
    const options = { conversationsPath: root, leaseTtlSeconds: 0 };
    const leases = new FileLeaseStore(options);
    const log = await new FileEventLogStore(options).open(ID);
    const fence = await leases.acquire(ID);
    const writer = new LogWriter(ID, log, fence, new InProcessEventBus(), () => undefined);
    let state = 0;
    const write = async (): Promise<void> => {
      state += 1;
      await writer.write([createEvent(statusUpdate('running'))]);
    };
    // As a run does: each change follows the one before at once.
    const changes = (async () => {
      for (let round = 0; round < 50; round += 1) await write();
    })();
    const end = changes.then(() => 'over' as const);
    const turn = () => new Promise<'turn'>((resolve) => setImmediate(() => resolve('turn')));
    while ((await Promise.race([end, turn()])) !== 'over') {
      await writer.settled().then(
        () => true,
        () => false,
      );
      expect(writer.length).toBe(state);
    }
    await log.close();
    await leases.release(fence);
  });
});
