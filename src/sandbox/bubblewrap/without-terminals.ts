import { existsSync } from 'node:fs';

const BASH = '/bin/bash';

/**
 * Programs inherit the descriptors of all pseudo-terminals that the server has open, because `forkpty` does
 * not set FD_CLOEXEC: they could read and type into the terminals of others. Node cannot set it either, so
 * the descriptors are closed before bubblewrap starts. `-p`: variables for the program must not change what
 * this shell does (BASH_ENV, SHELLOPTS, functions). `--norc`: Node's pipes are sockets, so that bash takes
 * itself for started by rshd and would run ~/.bashrc, which agents may have written, outside of the sandbox.
 */
const CLOSE_TERMINALS =
  'for f in /proc/self/fd/*; do [[ $f -ef /dev/ptmx ]] && eval "exec ${f##*/}>&-"; done; exec "$@"';

/** The words before a command that starts it without open terminals; none without bash. */
export function withoutTerminals(): string[] {
  return existsSync(BASH) ? [BASH, '--norc', '-p', '-c', CLOSE_TERMINALS, 'bash'] : [];
}
