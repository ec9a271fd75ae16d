/** How strictly programs are confined. */
export type SandboxMode = 'off' | 'guarded' | 'workspace';

/** From the loosest to the strictest. */
export const SANDBOX_MODES: readonly SandboxMode[] = ['off', 'guarded', 'workspace'];

/** The stricter one of two modes. */
export function stricterMode(one: SandboxMode, other: SandboxMode = 'off'): SandboxMode {
  return SANDBOX_MODES.indexOf(one) > SANDBOX_MODES.indexOf(other) ? one : other;
}
