// Appends events to the log of a conversation as fast as it can, several at a time, and prints the seq and
// the id of each one that is acknowledged. Arguments: the folder of conversations, the id.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { FileEventLogStore } from '../../dist/current/storage/file/log/file-event-log-store.js';
import { FileLeaseStore } from '../../dist/current/storage/file/lease/file-lease-store.js';

const WRITERS = 8;
const [conversationsPath, id] = process.argv.slice(2);
Logger.overrideLogger(false); // stdout is for the answers
const options = { conversationsPath, leaseTtlSeconds: 45 };
const fence = await new FileLeaseStore(options).acquire(id);
const log = await new FileEventLogStore(options).open(id);
let next = log.length;

async function write() {
  for (;;) {
    const seq = next++;
    const head = { id: randomUUID(), timestamp: '2026-01-01T00:00:00.000000', source: 'user' };
    const line = JSON.stringify({ ...head, text: 'ä'.repeat(seq % 3000), kind: 'MessageEvent' });
    await log.append(seq, fence, [{ ...head, kind: 'MessageEvent', line }]);
    writeSync(1, `${seq} ${head.id}\n`);
  }
}
try {
  await Promise.all(Array.from({ length: WRITERS }, write));
} catch (error) {
  writeSync(1, `failed ${error.code}\n`);
}
