import { readlinkSync } from 'node:fs';
import type * as Pty from '@lydell/node-pty';

/** Descriptors of the pseudo-terminals that were opened here; some are closed, and may be used otherwise. */
const opened = new Set<number>();

/** Pseudo-terminals: native code, loaded with the first terminal, or at the start. */
export async function loadPty(): Promise<Pick<typeof Pty, 'spawn'>> {
  const { spawn } = await import('@lydell/node-pty');
  return {
    spawn: (...args) => {
      const pty = spawn(...args);
      // It exists on Unix, although the types lack it.
      const fd: unknown = Reflect.get(pty, 'fd');
      if (typeof fd === 'number') opened.add(fd);
      return pty;
    },
  };
}

/**
 * The descriptors of the pseudo-terminals that are open now, on Linux. Programs inherit them: `forkpty` does
 * not set FD_CLOEXEC, and Node cannot.
 */
export function openPtyDescriptors(): number[] {
  for (const fd of opened) if (!isPty(fd)) opened.delete(fd);
  return [...opened];
}

function isPty(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).endsWith('/ptmx');
  } catch {
    return false;
  }
}
