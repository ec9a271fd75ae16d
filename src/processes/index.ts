export {
  addToShellEnvironment,
  childEnvironment,
  passOnToChildren,
  shellEnvironment,
  variablesLike,
} from './child-environment.js';
export { isProcessAlive } from './is-process-alive.js';
export { endGroup, hasEnded, killGroup, onExit, signalGroup } from './process-group.js';
export { hasProvablyEnded, ownProcess } from './process-identity.js';
export { processStart } from './process-start.js';
export {
  endSessionProcesses,
  foregroundGroup,
  SESSION_VARIABLE,
  sessionIds,
  signal,
} from './session-processes.js';
export { programOf } from './sandboxed.js';
export { loadPty, openPtyDescriptors } from './pty/load-pty.js';
export { PtyInput } from './pty/pty-input.js';
export { readRemainder } from './pty/pty-remainder.js';
