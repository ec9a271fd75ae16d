import { open } from 'node:fs/promises';

/** More than `/proc/PID/stat` ever holds (bytes). */
const STAT_BYTES = 4096;

/**
 * When a process started, in clock ticks since boot (`/proc/PID/stat`, proc(5)). Together with the id it
 * identifies a process. Undefined if it has ended or cannot be read.
 */
export async function processStart(pid: number): Promise<number | undefined> {
  const handle = await open(`/proc/${pid}/stat`).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(STAT_BYTES), 0, STAT_BYTES, 0);
    const text = buffer.toString('latin1', 0, bytesRead);
    // The name before it may contain any character, including parentheses.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const start = Number(fields[19]);
    return Number.isSafeInteger(start) ? start : undefined;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
