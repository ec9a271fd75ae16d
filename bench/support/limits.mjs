import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { inParallel } from './conversation.mjs';
import { formatNumber } from './table.mjs';

/** What nothing that runs here can be faster than: figures to read the others by. */
export async function measureLimits() {
  const one = await echoesPerSecond(1, 3_000);
  const many = await echoesPerSecond(32, 20_000);
  return [
    {
      title: 'append a line of 400 bytes and fdatasync',
      unit: 'a second',
      value: formatNumber(await syncedAppends(500)),
    },
    { title: 'bare HTTP echo, 1 client', unit: 'a second', value: formatNumber(one) },
    { title: 'bare HTTP echo, 32 clients', unit: 'a second', value: formatNumber(many) },
  ];
}

async function syncedAppends(count) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-'));
  const file = await open(path.join(folder, 'log'), 'a');
  try {
    const line = Buffer.alloc(400, 'x');
    const started = performance.now();
    for (let i = 0; i < count; i++) {
      await file.write(line);
      await file.datasync();
    }
    return (count * 1000) / (performance.now() - started);
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
}

const ECHO = `
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => request.pipe(response));
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

async function echoesPerSecond(clients, count) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', ECHO], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  try {
    const [port] = await once(child.stdout, 'data');
    const echo = () => echoOnce(Number(port), agent);
    await inParallel(clients, count / 10, echo);
    const started = performance.now();
    await inParallel(clients, count, echo);
    return (count * 1000) / (performance.now() - started);
  } finally {
    agent.destroy();
    child.kill();
  }
}

function echoOnce(port, agent) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': 5 };
    const request = http.request({ host: '127.0.0.1', port, method: 'POST', headers, agent }, (response) => {
      response.resume();
      response.on('end', resolve);
    });
    request.on('error', reject);
    request.end('hello');
  });
}
