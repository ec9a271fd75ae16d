import type { AppConfig } from '../config/index.js';
import { childEnvironment } from '../processes/index.js';
import { findProgram } from './find-program.js';

type LimitSettings = Pick<AppConfig, 'sandbox_memory_mb' | 'sandbox_processes' | 'sandbox_open_files'>;

/**
 * The program and arguments that set the configured limits and then run what follows; empty without limits.
 * Limits of `prlimit` hold for each process, those of the number of processes for all of the user, and not
 * for root.
 * @throws an error with the code ENOENT if `prlimit` is missing
 */
export function limiter(config: LimitSettings): string[] {
  const { sandbox_memory_mb: memory, sandbox_processes: processes, sandbox_open_files: files } = config;
  const limits = [
    // Of data, not of addresses: engines such as V8 reserve far more addresses than they use.
    ...(memory === null ? [] : [`--data=${memory * 1024 * 1024}`]),
    ...(processes === null ? [] : [`--nproc=${processes}`]),
    ...(files === null ? [] : [`--nofile=${files}`]),
  ];
  if (limits.length === 0) return [];
  return [findProgram({ file: 'prlimit', args: [], cwd: '/', env: childEnvironment() }), ...limits, '--'];
}
