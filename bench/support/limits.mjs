import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inParallel } from './conversation.mjs';
import { fanOut } from './fan-out.mjs';
import { HttpClient } from './http-client.mjs';
import { removeAtEnd } from './server.mjs';
import { median } from './table.mjs';
import { Watcher } from './watcher.mjs';

// Upper limits on this machine, for comparison with the other figures. HTTP and sockets are measured with the
// same clients as the servers, so these limits include those of the load generator.

const LINE_BYTES = 400;
const BARE_SERVER = fileURLToPath(new URL('bare-server.mjs', import.meta.url));

/** All limits as rows. */
export async function measureLimits() {
  return [
    ['append a line of 400 bytes and fdatasync', 'a second', await syncedAppends(1)],
    ['append 32 lines at once and fdatasync, lines', 'a second', await syncedAppends(32)],
    ['bare HTTP echo, 1 client', 'a second', await echoes(1)],
    ['bare HTTP echo, 32 clients', 'a second', await echoes(32)],
    ['bare `ws` fan-out to 100 sockets', 'frames a second', await fannedOut(100, 2_000)],
    ['spawn of `true`', 'ms', await spawnMs()],
  ].map(([title, unit, value]) => ({ title, unit, value }));
}

/** Lines per second, `linesAtOnce` in a write, each write durable before the next. */
export async function syncedAppends(linesAtOnce, writes = 500) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-'));
  const file = await open(path.join(folder, 'log'), 'a');
  try {
    const lines = Buffer.alloc(LINE_BYTES * linesAtOnce, 'x');
    const started = performance.now();
    for (let i = 0; i < writes; i++) {
      await file.write(lines);
      await file.datasync();
    }
    return (linesAtOnce * writes * 1000) / (performance.now() - started);
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
}

/** Milliseconds to create a folder with a file of `bytes` bytes, with the file and both names durable. */
export async function durableCreationMs(count, bytes = 1_500) {
  const parent = await mkdtemp(path.join(os.tmpdir(), 'bench-'));
  const synced = async (name) => {
    const folder = await open(name);
    await folder.sync();
    await folder.close();
  };
  removeAtEnd(parent);
  const waits = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    const folder = path.join(parent, `${i}`);
    mkdirSync(folder);
    const file = await open(path.join(folder, 'new'), 'wx');
    await file.write(Buffer.alloc(bytes, 'x'));
    await file.sync();
    await Promise.all([synced(folder), synced(parent)]);
    renameSync(path.join(folder, 'new'), path.join(folder, 'file'));
    await file.close();
    waits.push(performance.now() - started);
  }
  return median(waits);
}

/** Milliseconds for a number of sequential responses of a given size by a server that does nothing. */
export function answersMs(count, bytes) {
  return withBareServer(async (port) => {
    const client = new HttpClient(port);
    const waits = [];
    const answers = async () => {
      let total = 0;
      for (let i = 0; i < count; i++) {
        const { ms, text } = await client.send('GET', `/${bytes}`);
        if (text.length !== bytes) throw new Error(`an answer of ${text.length} bytes, not ${bytes}`);
        total += ms;
      }
      return total;
    };
    try {
      for (let i = 0; i < 20; i++) await answers();
      for (let i = 0; i < 15; i++) waits.push(await answers());
      return median(waits);
    } finally {
      client.close();
    }
  });
}

/** Requests per second of a server that does nothing. */
export function echoes(clients, count = clients === 1 ? 3_000 : 20_000) {
  return withBareServer(async (port) => {
    const client = new HttpClient(port);
    const echo = () => client.send('POST', '/', { role: 'user', content: 'x'.repeat(100) });
    try {
      await inParallel(clients, count / 10, echo);
      const started = performance.now();
      await inParallel(clients, count, echo);
      return (count * 1000) / (performance.now() - started);
    } finally {
      client.close();
    }
  });
}

/** Frames per second of a server that only broadcasts. */
export function fannedOut(sockets, broadcasts, bytes = LINE_BYTES) {
  return withBareServer(async (port) => {
    const watchers = await Promise.all(Array.from({ length: sockets }, () => Watcher.open(port, '/')));
    const frame = 'x'.repeat(bytes);
    const publish = () => Promise.resolve(watchers[0].send(frame));
    try {
      await fanOut(watchers, { count: broadcasts / 10, framesEach: 1, publish });
      return await fanOut(watchers, { count: broadcasts, framesEach: 1, publish });
    } finally {
      for (const watcher of watchers) watcher.close();
    }
  });
}

/** Run time of a process that does nothing. */
export async function spawnMs(count = 100) {
  const started = performance.now();
  for (let i = 0; i < count; i++) {
    const [code] = await once(spawn('true', { stdio: 'ignore' }), 'exit');
    if (code !== 0) throw new Error('`true` failed');
  }
  return (performance.now() - started) / count;
}

async function withBareServer(action) {
  const child = spawn(process.execPath, [BARE_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [port] = await once(child.stdout, 'data');
    return await action(Number(port));
  } finally {
    child.kill();
  }
}
