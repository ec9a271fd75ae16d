import { Sandbox, type Confinement, type ConfinementScope, type SandboxStatus } from '../sandbox.js';
import { UNCONFINED } from '../no-sandbox.js';
import { stricterMode, type SandboxMode } from '../sandbox-mode.js';
import { SandboxError } from '../sandbox-error.js';
import { GuardedConfinement, type BubblewrapTools } from './bubblewrap-confinement.js';

/** Confines programs with bubblewrap, which was found to work. */
export class BubblewrapSandbox extends Sandbox {
  readonly server: Confinement;

  /** @param workspace where programs of the server itself work, such as those of the bash routes */
  constructor(
    private readonly tools: BubblewrapTools,
    readonly status: SandboxStatus,
    workspace: string,
  ) {
    super();
    this.server = this.confine({ workspace, keepsDaemons: true });
  }

  assertAvailable(mode: SandboxMode): void {
    if (mode === 'off' || this.status.available.includes(mode)) return;
    throw new SandboxError(`The sandbox "${mode}" does not work on this server`);
  }

  confine(scope: ConfinementScope): Confinement {
    const mode: SandboxMode = stricterMode(this.status.mode, scope.mode);
    return mode === 'off' ? UNCONFINED : new GuardedConfinement(this.tools, scope);
  }
}
