import { execFile } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { AppConfig } from '../config/index.js';
import { errorMessage } from '../errors/index.js';
import { childEnvironment } from '../processes/index.js';
import { BubblewrapSandbox } from './bubblewrap/bubblewrap-sandbox.js';
import type { BubblewrapTools } from './bubblewrap/bubblewrap-confinement.js';
import { NETWORK_OFF, NETWORK_ON, networkOf, type NetworkAccess } from './bubblewrap/network-access.js';
import { findProgram } from './find-program.js';
import { limiter } from './limits.js';
import { NoSandbox } from './no-sandbox.js';
import { realPath } from './real-scope.js';
import type { Confinement, Sandbox, SandboxStatus } from './sandbox.js';
import { SandboxError } from './sandbox-error.js';
import { stricterMode, type SandboxMode } from './sandbox-mode.js';
import { ServerFiles } from './server-files.js';

/** How long a trial of the sandbox may take (ms). */
const TRIAL_TIMEOUT_MS = 10_000;
/** Its processes have numbers of their own, and their children are listed: signals are sent by that list. */
const TRIAL = 'test "$$" -lt 10 && test -r /proc/$$/task/$$/children && echo works';
const CURE =
  'Install bubblewrap (package `bubblewrap`) and allow user namespaces, or set `sandbox: off` (OH_SANDBOX=off).';

/**
 * Tries what the configuration asks for, and says in one line of the log what programs of agents run in. With
 * the mode `off` conversations may still ask for more.
 * @throws SandboxError if the sandbox is required and does not work, or its network is not valid
 */
export async function startSandbox(config: AppConfig): Promise<Sandbox> {
  const logger = new Logger('Sandbox');
  const wanted = config.sandbox as SandboxMode | null;
  const mode = wanted ?? 'guarded';
  const network = await networkAccess(config, (reason) => logger.warn(reason));
  const found = await trial(config, mode, network);
  if (typeof found !== 'string') {
    logger.log(describe(found.status));
    if (mode !== 'workspace' && config.sandbox_network !== 'on')
      logger.warn(`sandbox_network is for the mode "workspace": in "${mode}" the network works as usual`);
    return found;
  }
  await network.close();
  if (config.sandbox_required && mode !== 'off') {
    throw new SandboxError(`sandbox "${mode}" is required and does not work: ${found}. ${CURE}`);
  }
  const text = mode === 'off' ? 'sandbox: off' : `sandbox: off, "${mode}" does not work: ${found}`;
  if (wanted !== null && wanted !== 'off') logger.warn(text);
  else logger.log(text);
  return new NoSandbox(found);
}

function describe({ mode, limits }: SandboxStatus): string {
  if (mode === 'off') return 'sandbox: off; programs of agents see all that the server sees';
  return `sandbox: ${mode}, by bubblewrap${limits === null ? '' : `, limits by ${limits}`}`;
}

/** A sandbox that works, or why there is none. */
async function trial(
  config: AppConfig,
  mode: SandboxMode,
  network: NetworkAccess,
): Promise<Sandbox | string> {
  const env = childEnvironment();
  const { workspace } = config.paths;
  try {
    const find = (file: string): string => findProgram({ file, args: [], cwd: config.base_dir, env });
    // Programs see those of the system, and not all of `PATH`.
    const ofSystem = { ...env, PATH: `/usr/bin:/bin:${env['PATH'] ?? ''}` };
    const findInSystem = (file: string): string => findProgram({ file, args: [], cwd: '/', env: ofSystem });
    const tools: BubblewrapTools = {
      bwrap: find('bwrap'),
      check: { stat: findInSystem('stat'), env: findInSystem('env') },
      server: new ServerFiles(config, false),
      limiter: limiter(config),
      configured: {
        readable: config.sandbox_readable.map((file) => configuredPath(config, file)),
        writable: config.sandbox_writable.map((file) => configuredPath(config, file)),
      },
      network,
    };
    const status: SandboxStatus = {
      mode,
      by: mode === 'off' ? null : 'bubblewrap',
      limits: tools.limiter.length > 0 ? 'prlimit' : null,
      available: ['off', 'guarded', 'workspace'],
      reason: null,
    };
    const trialled = new BubblewrapSandbox(tools, status, workspace);
    const [usual, strictest] = await Promise.allSettled(
      [stricterMode(mode, 'guarded'), 'workspace' as const].map((tried) =>
        run(trialled.confine({ workspace, mode: tried })),
      ),
    );
    if (usual?.status === 'rejected') throw usual.reason;
    const used = { ...tools, server: new ServerFiles(config) };
    if (strictest?.status !== 'rejected') return new BubblewrapSandbox(used, status, workspace);
    // Containers often allow no network namespace.
    const reason = `"workspace" does not work: ${errorMessage(strictest.reason)}`;
    return new BubblewrapSandbox(used, { ...status, available: ['off', 'guarded'], reason }, workspace);
  } catch (error) {
    const missing = /^spawn (bwrap|env|prlimit|stat) /.exec(errorMessage(error))?.[1];
    return missing === undefined ? errorMessage(error) : `the program ${missing} is not installed`;
  }
}

function firstLine(text: string): string | undefined {
  return text.split('\n').find((line) => line.trim() !== '');
}

/** An absolute path of the configuration, in which `~` is the home folder. */
function configuredPath({ base_dir }: AppConfig, file: string): string {
  return realPath(path.resolve(base_dir, file.replace(/^~(?=\/|$)/, os.homedir())));
}

async function networkAccess(
  { sandbox_network: network }: AppConfig,
  onRefusal: (reason: string) => void,
): Promise<NetworkAccess> {
  if (network === 'on') return NETWORK_ON;
  if (typeof network === 'string') return NETWORK_OFF;
  try {
    return await networkOf(network, onRefusal);
  } catch (error) {
    throw new SandboxError(`sandbox_network: ${errorMessage(error)}`);
  }
}

function run(confinement: Confinement): Promise<void> {
  const { file, args, cwd, env } = confinement.program({
    file: '/bin/sh',
    args: ['-c', TRIAL],
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
