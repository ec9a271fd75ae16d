export { findProgram } from './find-program.js';
export { NoSandbox, UNCONFINED } from './no-sandbox.js';
export { Sandbox } from './sandbox.js';
export type { Confinement, ConfinementScope, ProgramStart, SandboxStatus, ShownFolder } from './sandbox.js';
export { SandboxError } from './sandbox-error.js';
export { SANDBOX_MODES, stricterMode, type SandboxMode } from './sandbox-mode.js';
