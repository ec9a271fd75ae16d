import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { eventually, type ServerProcess } from '../support/server-process.js';

const PROBE = fileURLToPath(new URL('health-probe.mjs', import.meta.url));
const MIB = 1024 * 1024;
/** What a server may hold more than before, once a load is over (MiB). */
const MAX_GROWTH_MIB = 100;

/** `LOAD=full`: the sizes that people talk of, and figures. */
export const FULL = process.env['LOAD'] === 'full';

/** How much of something: a little in every run of the tests, a lot when the load itself is the question. */
export function amount(short: number, full: number): number {
  return FULL ? full : short;
}

/** Answers of `/health`: how many came, how many did not, and after how many milliseconds. */
interface Health {
  count: number;
  failures: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** What a load did to a server. Memory in MiB; null where the system does not tell it. */
export interface Seen {
  health: Health;
  memory: { before: number; peak: number; after: number } | null;
}

/**
 * Watches a server while `work` loads it: whether it answers, and how much memory it takes. In the long form
 * the figures are printed; the server always has to have answered.
 */
export async function underLoad(
  server: ServerProcess,
  name: string,
  work: () => Promise<void>,
): Promise<Seen> {
  // From here on the peak is counted anew.
  await writeFile(`/proc/${server.pid}/clear_refs`, '5').catch(() => undefined);
  const before = await memory(server.pid, 'VmRSS');
  const probe = spawn(process.execPath, [PROBE, server.url], { stdio: ['pipe', 'pipe', 'inherit'] });
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
 * Waits until a server holds no more than 100 MiB more than before, in the long form. Garbage is collected
 * while the server works, so it is asked for something meanwhile.
 * @param before MiB; undefined where the system does not tell it
 */
export async function memoryReturns(server: ServerProcess, before: number | undefined): Promise<void> {
  if (!FULL || before === undefined) return;
  const isBack = async (): Promise<boolean> => {
    await server.request('GET', '/health');
    return ((await memory(server.pid, 'VmRSS')) ?? 0) < before + MAX_GROWTH_MIB;
  };
  await eventually(isBack, 'the memory of before', 60_000);
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
