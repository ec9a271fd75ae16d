import { readFile, readlink } from 'node:fs/promises';
import { isProcessAlive } from './is-process-alive.js';
import { processStart } from './process-start.js';

/** The kernel's id of the time since the machine was started. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * Identifies this process: the boot of the machine, the namespaces in which its id and its start are counted,
 * id and start. Undefined where the system does not tell all of it.
 */
export async function ownProcess(): Promise<string | undefined> {
  const [place, start] = await Promise.all([ownPlace(), processStart(process.pid)]);
  return place === undefined || start === undefined ? undefined : `${place} ${process.pid} ${start}`;
}

/**
 * Whether the process with an identity has ended, for certain: a process of another machine or container, and
 * one that cannot be examined, may be running.
 */
export async function hasProvablyEnded(identity: string): Promise<boolean> {
  const [, place, pid, start] = /^(.+) (\d{1,10}) (\d+)$/.exec(identity) ?? [];
  if (place === undefined || Number(pid) < 1 || place !== (await ownPlace())) return false;
  // Unlike `/proc`, which may hide the processes of others, a signal tells whether there is one.
  if (!isProcessAlive(Number(pid))) return true;
  const found = await processStart(Number(pid));
  return found !== undefined && found !== Number(start);
}

/** Where ids and start times of processes are comparable. */
async function ownPlace(): Promise<string | undefined> {
  try {
    // A `/proc` of another namespace has other ids.
    if (Number(await readlink('/proc/self')) !== process.pid) return undefined;
    const [boot, pids] = await Promise.all([readFile(BOOT_ID, 'utf8'), readlink('/proc/self/ns/pid')]);
    // Kernels before 5.6 have one clock for all.
    const time = await readlink('/proc/self/ns/time').catch(() => 'time');
    return `${boot.trim()} ${pids} ${time}`;
  } catch {
    return undefined;
  }
}
