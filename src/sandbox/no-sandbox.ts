import { Sandbox, type Confinement, type ConfinementScope, type SandboxStatus } from './sandbox.js';
import { SandboxError } from './sandbox-error.js';

/** Confines nothing. */
export const UNCONFINED: Confinement = {
  mode: 'off',
  program: (start) => start,
  files: { refusal: () => undefined },
  explanation: undefined,
};

/** The sandbox of a server that has none. */
export class NoSandbox extends Sandbox {
  readonly status: SandboxStatus;
  readonly server = UNCONFINED;

  /** @param reason why there is none; null if that was chosen */
  constructor(private readonly reason: string | null) {
    super();
    this.status = { mode: 'off', by: null, limits: null, available: ['off'], reason };
  }

  confine({ mode = 'off' }: ConfinementScope): Confinement {
    if (mode === 'off') return UNCONFINED;
    throw new SandboxError(
      `The sandbox "${mode}" is not available on this server: ${this.reason ?? 'its configuration says `sandbox: off`'}`,
    );
  }
}
