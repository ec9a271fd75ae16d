import { Sandbox, type Confinement, type ConfinementScope, type SandboxStatus } from './sandbox.js';
import { SandboxError } from './sandbox-error.js';
import type { SandboxMode } from './sandbox-mode.js';

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

  assertAvailable(mode: SandboxMode): void {
    if (mode !== 'off') throw new SandboxError(this.problem(mode));
  }

  confine({ mode = 'off' }: ConfinementScope): Confinement {
    return mode === 'off' ? UNCONFINED : refusing(mode, this.problem(mode));
  }

  private problem(mode: SandboxMode): string {
    const reason = this.reason ?? 'its configuration says `sandbox: off`';
    return `The sandbox "${mode}" is not available on this server: ${reason}`;
  }
}

/** For a conversation whose sandbox does not work on this server: it can be read, and nothing runs. */
export function refusing(mode: SandboxMode, problem: string): Confinement {
  return {
    mode,
    program: () => {
      throw new SandboxError(problem);
    },
    files: { refusal: () => problem },
    explanation: problem,
  };
}
