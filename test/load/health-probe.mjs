import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Requests `/health` of a server repeatedly from a separate process, because the process that makes the load
 * is slow itself. Prints an empty line when it has started, and its measurements as JSON when its input ends.
 *
 *     node test/load/health-probe.mjs http://127.0.0.1:8000 10
 */
const [url, pauseMs] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const times = [];
let failures = 0;
let isRunning = true;

// The first requests would measure this process, which loads modules and compiles code.
for (let asked = 0; asked < 10; asked++) await isHealthy();
console.log();
process.stdin.resume().on('end', () => (isRunning = false));
while (isRunning) {
  const started = performance.now();
  if (await isHealthy()) times.push(performance.now() - started);
  else failures += 1;
  await sleep(Number(pauseMs));
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
