import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { eventually, type ServerProcess } from '../support/server-process.js';

const PROBE = fileURLToPath(new URL('health-probe.mjs', import.meta.url));
const MIB = 1024 * 1024;
/** How much the memory of a server may have grown after a load (MiB). */
const MAX_GROWTH_MIB = 100;

/** `LOAD=full` runs the load tests at full size and prints figures. */
export const FULL = process.env['LOAD'] === 'full';

/** The time between two requests of the probe (ms). */
const PAUSE_MS = amount(40, 10);

/** Selects a size: the short one in normal runs, the full one with `LOAD=full`. */
export function amount(short: number, full: number): number {
  return FULL ? full : short;
}

/** Answers of `/health`: how many succeeded and failed, and their latencies in milliseconds. */
interface Health {
  count: number;
  failures: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** The effect of a load on a server. Memory in MiB; null where the system does not report it. */
interface Seen {
  health: Health;
  memory: { before: number; peak: number; after: number } | null;
}

/**
 * Measures the answers of `/health` and the memory of a server while `work` loads it. The full form prints
 * the figures. Expects that every request to `/health` was answered.
 */
export async function underLoad(
  server: ServerProcess,
  name: string,
  work: () => Promise<void>,
): Promise<Seen> {
  // Resets the peak (VmHWM).
  await writeFile(`/proc/${server.pid}/clear_refs`, '5').catch(() => undefined);
  const before = await memory(server.pid, 'VmRSS');
  const probe = spawn(process.execPath, [PROBE, server.url, String(PAUSE_MS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  probe.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(probe, 'close');
  try {
    await Promise.race([once(probe.stdout, 'data'), ended]);
    await work();
  } finally {
    probe.stdin.end();
    await ended;
  }
  const health = JSON.parse(output) as Health;
  const peak = await memory(server.pid, 'VmHWM');
  const after = await memory(server.pid, 'VmRSS');
  const known = before !== null && peak !== null && after !== null;
  const seen: Seen = { health, memory: known ? { before, peak, after } : null };
  if (FULL) process.stderr.write(`${line(name, seen)}\n`);
  expect(health.failures).toBe(0);
  expect(health.count).toBeGreaterThan(0);
  return seen;
}

/**
 * Waits until the memory of a server has grown by less than 100 MiB; only in the full form. Garbage is
 * collected while the server works, so the loop sends requests.
 * @param before MiB; undefined where the system does not report it
 */
export async function memoryReturns(server: ServerProcess, before: number | undefined): Promise<void> {
  if (!FULL || before === undefined) return;
  const isReleased = async (): Promise<boolean> => {
    await server.request('GET', '/health');
    return ((await memory(server.pid, 'VmRSS')) ?? 0) < before + MAX_GROWTH_MIB;
  };
  await eventually(isReleased, 'the release of the memory', 60_000);
}

function line(name: string, { health, memory: size }: Seen): string {
  const ms = (time: number): string => time.toFixed(1);
  const mib = size ? `${size.before} -> ${size.peak} -> ${size.after} MiB` : 'not known';
  return (
    `LOAD | ${name} | health p50 ${ms(health.p50)} p95 ${ms(health.p95)} p99 ${ms(health.p99)} ` +
    `max ${ms(health.max)} ms of ${health.count} | memory ${mib}`
  );
}

async function memory(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1];
  return kib === undefined ? null : Math.round((Number(kib) * 1024) / MIB);
}
