import { openPtyDescriptors } from '../../processes/index.js';

/**
 * The words before a command that starts it without the pseudo-terminals that the server has open: it could
 * read and type into the terminals of others. None if there are no such terminals, or there is no bash.
 *
 * `-p`: variables for the program must not change what this shell does (BASH_ENV, SHELLOPTS, functions).
 * `--norc`: Node's pipes are sockets, so that bash takes itself for started by rshd and would run ~/.bashrc,
 * which agents may have written, outside of the sandbox. `sh` will not do: dash knows one digit only.
 * @param bash absolute path
 */
export function withoutTerminals(bash: string | undefined): string[] {
  const open = openPtyDescriptors();
  if (open.length === 0 || bash === undefined) return [];
  return [bash, '--norc', '-p', '-c', closing(open), 'bash'];
}

/** The shell looks again what these are: the program may get other things by the same numbers. */
function closing(descriptors: readonly number[]): string {
  const isOpen = '[[ /proc/self/fd/$n -ef /dev/ptmx ]]';
  return `for n in ${descriptors.join(' ')}; do ${isOpen} && eval "exec $n>&-"; done; exec "$@"`;
}
