// Set-up of jest: starts one PostgreSQL for all workers when the first of them asks.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PostgresInstance } from './instance.mjs';

let broker;
let instance;

export default async function setUp() {
  if (process.env.DATABASE_URL || process.env.TEST_POSTGRES_PORT) return;
  broker = createServer((socket) => void answer(socket));
  broker.unref();
  await once(broker.listen(0, '127.0.0.1'), 'listening');
  process.env.TEST_POSTGRES_PORT = String(broker.address().port);
}

/** Called by `teardown.mjs`. */
export async function tearDown() {
  broker?.close();
  await (await instance?.catch(() => undefined))?.stop();
}

async function answer(socket) {
  socket.on('error', () => undefined);
  instance ??= PostgresInstance.start();
  try {
    socket.end((await instance).url());
  } catch (error) {
    socket.end(String(error));
  }
}
