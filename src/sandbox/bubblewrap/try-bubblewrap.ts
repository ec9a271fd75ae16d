import type { AppConfig } from '../../config/index.js';
import { errorMessage } from '../../errors/index.js';
import { childEnvironment } from '../../processes/index.js';
import { findProgram } from '../find-program.js';
import { startLimits, type Limits } from '../limits/limits.js';
import { RealPaths } from '../real-paths.js';
import type { ProgramStart, SandboxStatus } from '../sandbox.js';
import { stricterMode, type SandboxMode } from '../sandbox-mode.js';
import { ServerFiles } from '../server-files.js';
import { configuredFolders, tryConfinement, type TriedSandbox } from '../trial.js';
import type { BubblewrapTools } from './bubblewrap-confinement.js';
import { BubblewrapSandbox } from './bubblewrap-sandbox.js';
import type { NetworkAccess } from './network-access.js';

/** Its processes have numbers of their own, and their children are listed: signals are sent by that list. */
const TRIAL = 'test "$$" -lt 10 && test -r /proc/$$/task/$$/children && echo works';

/** A sandbox that works, or why there is none. */
export async function tryBubblewrap(
  config: AppConfig,
  mode: SandboxMode,
  network: NetworkAccess,
): Promise<TriedSandbox | string> {
  const { workspace } = config.paths;
  let limits: Limits | undefined;
  try {
    limits = startLimits(config);
    const tools: BubblewrapTools = {
      ...programs(config),
      server: new ServerFiles(config, false),
      limits,
      paths: new RealPaths(),
      configured: configuredFolders(config),
      network,
    };
    const status: SandboxStatus = {
      mode,
      by: mode === 'off' ? null : 'bubblewrap',
      limits: limits.by,
      available: ['off', 'guarded', 'workspace'],
      reason: null,
    };
    const trialled = new BubblewrapSandbox(tools, status, workspace);
    const [usual, strictest] = await Promise.allSettled(
      [stricterMode(mode, 'guarded'), 'workspace' as const].map((tried) =>
        tryConfinement(trialled.confine({ workspace, mode: tried }), TRIAL),
      ),
    );
    if (usual?.status === 'rejected') throw usual.reason;
    const used = { ...tools, server: new ServerFiles(config) };
    if (strictest?.status === 'rejected') {
      // Containers often allow no network namespace.
      status.available = ['off', 'guarded'];
      status.reason = `"workspace" does not work: ${errorMessage(strictest.reason)}`;
    }
    return { sandbox: new BubblewrapSandbox(used, status, workspace), text: limits.text };
  } catch (error) {
    limits?.close();
    const missing = /^spawn (bwrap|env|prlimit|stat) /.exec(errorMessage(error))?.[1];
    return missing === undefined ? errorMessage(error) : `the program ${missing} is not installed`;
  }
}

/** @throws an error with the code ENOENT if one is missing */
function programs({ base_dir: cwd }: AppConfig): Pick<BubblewrapTools, 'bwrap' | 'bash' | 'check'> {
  const env = childEnvironment();
  // Programs see those of the system, and not all of `PATH`.
  const ofSystem = { ...env, PATH: `/usr/bin:/bin:${env['PATH'] ?? ''}` };
  return {
    bwrap: findProgram({ file: 'bwrap', args: [], cwd, env }),
    bash: bashIn({ cwd, env: ofSystem }),
    check: {
      stat: findProgram({ file: 'stat', args: [], cwd, env: ofSystem }),
      env: findProgram({ file: 'env', args: [], cwd, env: ofSystem }),
    },
  };
}

/** Also where it is not in `/bin`, as in NixOS. */
function bashIn(start: Pick<ProgramStart, 'cwd' | 'env'>): string | undefined {
  try {
    return findProgram({ file: 'bash', args: [], ...start });
  } catch {
    return undefined;
  }
}
