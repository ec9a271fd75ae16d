import type * as Pty from '@lydell/node-pty';

/** Pseudo-terminals: native code, loaded with the first terminal, or at the start. */
export function loadPty(): Promise<typeof Pty> {
  return import('@lydell/node-pty');
}
