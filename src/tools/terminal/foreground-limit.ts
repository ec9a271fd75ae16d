import { pythonGeneral } from '../../text/index.js';

/** The share of the idle timeout that a foreground command may take, so that there is activity before it. */
const IDLE_SHARE = 0.9;

/**
 * The seconds of inactivity after which the operator's platform removes this runtime, from
 * `OH_RUNTIME_IDLE_TIMEOUT_SECONDS`; null if not set. Read at each call, because the variable may change.
 */
export function runtimeIdleTimeout(): number | null {
  const text = process.env['OH_RUNTIME_IDLE_TIMEOUT_SECONDS']?.trim() ?? '';
  const seconds = /^[\d.e+-]+$/i.test(text) ? Number(text) : 0;
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

/** The longest timeout of a foreground command (seconds); null: unlimited. */
export function maxForegroundTimeout(): number | null {
  const idle = runtimeIdleTimeout();
  return idle === null ? null : idle * IDLE_SHARE;
}

/** The refusal of a command with a too long timeout (seconds); undefined if the timeout is allowed. */
export function foregroundRefusal(timeout: number | undefined): string | undefined {
  const [idle, limit] = [runtimeIdleTimeout(), maxForegroundTimeout()];
  if (timeout === undefined || idle === null || limit === null || timeout <= limit) return undefined;
  return (
    `Refusing to run foreground terminal command with timeout=${pythonGeneral(timeout)}s.\n\n` +
    `This runtime is subject to idle cleanup after ${pythonGeneral(idle)}s. Foreground terminal commands are capped at ` +
    `90% of that threshold, currently ${pythonGeneral(limit)}s, so commands can return control before the runtime is ` +
    'considered idle.\n\n' +
    'For long-running work, use a shorter timeout, omit the timeout to use the terminal soft-timeout/polling flow, or ' +
    'start the command in the background and poll its log file.'
  );
}
