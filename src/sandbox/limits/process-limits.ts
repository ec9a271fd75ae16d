import { childEnvironment } from '../../processes/index.js';
import { findProgram } from '../find-program.js';

/** Limits of each process; null: none. */
interface ProcessLimits {
  memoryMb: number | null;
  processes: number | null;
  openFiles: number | null;
}

/**
 * The program and arguments that set limits and then run what follows; empty without limits. The number of
 * processes counts all of the user, and has no effect for root.
 * @throws an error with the code ENOENT if `prlimit` is missing
 */
export function processLimits({ memoryMb, processes, openFiles }: ProcessLimits): string[] {
  const limits = [
    // Of data, not of addresses: engines such as V8 reserve far more addresses than they use.
    ...(memoryMb === null ? [] : [`--data=${memoryMb * 1024 * 1024}`]),
    ...(processes === null ? [] : [`--nproc=${processes}`]),
    ...(openFiles === null ? [] : [`--nofile=${openFiles}`]),
  ];
  if (limits.length === 0) return [];
  return [findProgram({ file: 'prlimit', args: [], cwd: '/', env: childEnvironment() }), ...limits, '--'];
}
