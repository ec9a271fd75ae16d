import type { AppConfig } from '../../config/index.js';
import { errorMessage } from '../../errors/index.js';
import { NETWORK_ON, type NetworkAccess } from '../bubblewrap/network-access.js';
import { RealPaths } from '../real-paths.js';
import type { SandboxStatus } from '../sandbox.js';
import type { SandboxMode } from '../sandbox-mode.js';
import { ServerFiles } from '../server-files.js';
import { configuredFolders, tryConfinement, type TriedSandbox } from '../trial.js';
import { SeatbeltSandbox, type SeatbeltTools } from './seatbelt-sandbox.js';

/** Part of macOS. */
const PROGRAM = '/usr/bin/sandbox-exec';

/** A sandbox of macOS that works, or why there is none. */
export async function trySeatbelt(
  config: AppConfig,
  mode: SandboxMode,
  network: NetworkAccess,
): Promise<TriedSandbox | string> {
  const { workspace } = config.paths;
  const isListed = Array.isArray(config.sandbox_network);
  const tools: SeatbeltTools = {
    program: PROGRAM,
    server: new ServerFiles(config, false),
    configured: configuredFolders(config),
    paths: new RealPaths(),
    network: { isOn: network === NETWORK_ON, explanation: network.explanation },
  };
  const status: SandboxStatus = {
    mode,
    by: mode === 'off' ? null : 'sandbox-exec',
    limits: null,
    available: isListed ? ['off', 'guarded'] : ['off', 'guarded', 'workspace'],
    reason: isListed ? '"workspace" does not work: a list of hosts needs Linux' : null,
  };
  try {
    const trialled = new SeatbeltSandbox(tools, status, workspace);
    for (const tried of status.available.filter((name) => name !== 'off'))
      await tryConfinement(trialled.confine({ workspace, mode: tried }), 'echo works');
    if (!status.available.includes(mode)) return status.reason ?? 'it does not work';
  } catch (error) {
    return errorMessage(error);
  }
  const sandbox = new SeatbeltSandbox({ ...tools, server: new ServerFiles(config) }, status, workspace);
  return { sandbox, text: 'no limits' };
}
