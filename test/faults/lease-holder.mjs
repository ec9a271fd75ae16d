// Acquires the lease of a conversation in a separate process and appends events under it. Reads one command
// per line from stdin and answers each on stdout. Arguments: the folder of conversations, the id, the time to
// live (s).
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Logger } from '@nestjs/common';
import { FileEventLogStore } from '../../dist/current/storage/file/log/file-event-log-store.js';
import { FileLeaseStore } from '../../dist/current/storage/file/lease/file-lease-store.js';

const [conversationsPath, id, ttl] = process.argv.slice(2);
Logger.overrideLogger(false); // stdout is for the answers
const options = { conversationsPath, leaseTtlSeconds: Number(ttl) };
const leases = new FileLeaseStore(options);
const logs = new FileEventLogStore(options);
let fence;
let log;

const commands = {
  async acquire() {
    fence = await leases.acquire(id);
    log = await logs.open(id);
    return fence.generation;
  },
  async append() {
    const event = {
      id: randomUUID(),
      timestamp: '2026-01-01T00:00:00.000000',
      source: 'user',
      kind: 'PauseEvent',
    };
    const seq = log.length;
    await log.append(seq, fence, [{ ...event, line: JSON.stringify(event) }]);
    return event.id;
  },
  async confirm() {
    return fence.confirm();
  },
  async release() {
    await log.close();
    await leases.release(fence);
    return 'released';
  },
};

for await (const command of createInterface({ input: process.stdin })) {
  try {
    process.stdout.write(`${await commands[command]()}\n`);
  } catch (error) {
    process.stdout.write(`${error.name}\n`);
  }
}
