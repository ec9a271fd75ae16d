import { execFile } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import type { AppConfig } from '../config/index.js';
import { errorMessage } from '../errors/index.js';
import { childEnvironment } from '../processes/index.js';
import { realPath } from './real-paths.js';
import type { Confinement, Sandbox } from './sandbox.js';

/** How long a trial of the sandbox may take (ms). */
const TRIAL_TIMEOUT_MS = 10_000;

/** A sandbox that works. */
export interface TriedSandbox {
  sandbox: Sandbox;
  /** What is in force, for the line of the start. */
  text: string;
}

/** Folders that the operator shows to programs of the mode `workspace` (absolute real paths). */
export interface ConfiguredFolders {
  readable: readonly string[];
  writable: readonly string[];
}

/** Those of the configuration, in which `~` is the home folder. */
export function configuredFolders(config: AppConfig): ConfiguredFolders {
  const absolute = (file: string): string =>
    realPath(path.resolve(config.base_dir, file.replace(/^~(?=\/|$)/, os.homedir())));
  return {
    readable: config.sandbox_readable.map(absolute),
    writable: config.sandbox_writable.map(absolute),
  };
}

/**
 * Runs a script that prints `works`.
 * @throws Error with the first line of its errors if it does not work
 */
export function tryConfinement(confinement: Confinement, script: string): Promise<void> {
  const { file, args, cwd, env } = confinement.program({
    file: '/bin/sh',
    args: ['-c', script],
    cwd: '/',
    env: childEnvironment(),
  });
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd, env, timeout: TRIAL_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null && stdout.trim() === 'works') resolve();
      else reject(new Error(firstLine(stderr) ?? errorMessage(error)));
    });
  });
}

function firstLine(text: string): string | undefined {
  return text.split('\n').find((line) => line.trim() !== '');
}
