import type { OnApplicationShutdown } from '@nestjs/common';
import { Sandbox, type Confinement, type ConfinementScope, type SandboxStatus } from '../sandbox.js';
import { refusing, UNCONFINED } from '../no-sandbox.js';
import { stricterMode, type SandboxMode } from '../sandbox-mode.js';
import { SandboxError } from '../sandbox-error.js';
import {
  BubblewrapConfinement,
  guardedRules,
  workspaceRules,
  type BubblewrapTools,
} from './bubblewrap-confinement.js';

/** Confines programs with bubblewrap, which was found to work. */
export class BubblewrapSandbox extends Sandbox implements OnApplicationShutdown {
  readonly server: Confinement;
  private readonly rules;

  /** @param workspace where programs of the server itself work, such as those of the bash routes */
  constructor(
    private readonly tools: BubblewrapTools,
    readonly status: SandboxStatus,
    workspace: string,
  ) {
    super();
    this.rules = { guarded: guardedRules(tools), workspace: workspaceRules(tools) };
    this.server = this.confine({ workspace, keepsDaemons: true });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.tools.network.close();
    this.tools.limits.close();
  }

  assertAvailable(mode: SandboxMode): void {
    if (mode === 'off' || this.status.available.includes(mode)) return;
    throw new SandboxError(this.problem(mode));
  }

  confine(scope: ConfinementScope): Confinement {
    const mode: SandboxMode = stricterMode(this.status.mode, scope.mode);
    if (mode === 'off') return UNCONFINED;
    if (!this.status.available.includes(mode)) return refusing(mode, this.problem(mode));
    return new BubblewrapConfinement(mode, this.tools, this.rules[mode], scope);
  }

  private problem(mode: SandboxMode): string {
    return `The sandbox "${mode}" is not available on this server: ${this.status.reason ?? 'it does not work'}`;
  }
}
