import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks `/health` of a server again and again, from a process of its own: who makes the load is late himself.
 * Prints an empty line once it is at it, and what it saw, as JSON, when its input ends.
 *
 *     node test/load/health-probe.mjs http://127.0.0.1:8000
 */
const PAUSE_MS = 10;
const [url] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const times = [];
let failures = 0;
let going = true;

// The first requests of a process measure this process: its modules are loaded, its code is compiled.
for (let asked = 0; asked < 10; asked++) await isHealthy();
console.log();
process.stdin.resume().on('end', () => (going = false));
while (going) {
  const started = performance.now();
  if (await isHealthy()) times.push(performance.now() - started);
  else failures += 1;
  await sleep(PAUSE_MS);
}
agent.destroy();
times.sort((a, b) => a - b);
const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
console.log(
  JSON.stringify({ count: times.length, failures, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }),
);

function isHealthy() {
  return new Promise((resolve) => {
    http
      .get(`${url}/health`, { agent }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode === 200));
      })
      .on('error', () => resolve(false));
  });
}
