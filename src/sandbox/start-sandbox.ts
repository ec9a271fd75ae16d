import { Logger } from '@nestjs/common';
import type { AppConfig } from '../config/index.js';
import { errorMessage } from '../errors/index.js';
import { NETWORK_OFF, NETWORK_ON, networkOf, type NetworkAccess } from './bubblewrap/network-access.js';
import { tryBubblewrap } from './bubblewrap/try-bubblewrap.js';
import { NoSandbox } from './no-sandbox.js';
import type { Sandbox } from './sandbox.js';
import { SandboxError } from './sandbox-error.js';
import type { SandboxMode } from './sandbox-mode.js';
import { trySeatbelt } from './seatbelt/try-seatbelt.js';
import type { TriedSandbox } from './trial.js';

const CURE =
  'Install bubblewrap (package `bubblewrap`) and allow user namespaces, or set `sandbox: off` (OH_SANDBOX=off).';

/** What programs see in each mode, for the line of the start. */
const SEEN: Record<SandboxMode, string> = {
  off: 'programs of agents see all that the server sees',
  guarded: 'hidden are keys, configuration, settings, logs and processes of the server',
  workspace: 'visible are the workspace, the system and what is configured',
};

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
  const attempt = process.platform === 'darwin' ? trySeatbelt : tryBubblewrap;
  const found = await attempt(config, mode, network);
  if (typeof found !== 'string') {
    logger.log(describe(found, network));
    if (mode !== 'workspace' && config.sandbox_network !== 'on')
      logger.warn(`sandbox_network is for the mode "workspace": in "${mode}" the network works as usual`);
    return found.sandbox;
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

function describe({ sandbox: { status }, text }: TriedSandbox, network: NetworkAccess): string {
  const { mode, by } = status;
  if (by === null) return `sandbox: off; ${SEEN.off}`;
  const parts = [SEEN[mode], ...(mode === 'workspace' ? [`network ${network.name}`] : []), text];
  return `sandbox: ${mode}, by ${by}; ${parts.join('; ')}`;
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
