import { pythonGeneral } from '../../text/index.js';

/**
 * The part of the idle time that a command in the foreground may take, so that something happens before it is
 * over.
 */
const SHARE = 0.9;

/**
 * After how many seconds without work the machine that the server runs on is taken away, as whoever runs it
 * says by `OH_RUNTIME_IDLE_TIMEOUT_SECONDS`; null: nobody says so. Looked up for each use, as it may change.
 */
export function runtimeIdleTimeout(): number | null {
  const text = process.env['OH_RUNTIME_IDLE_TIMEOUT_SECONDS']?.trim() ?? '';
  const seconds = /^[\d.e+-]+$/i.test(text) ? Number(text) : 0;
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

/** How long a command may be waited for in the foreground (seconds); null: as long as the model says. */
export function maxForegroundTimeout(): number | null {
  const idle = runtimeIdleTimeout();
  return idle === null ? null : idle * SHARE;
}

/** Why a command is not run that the model wants to wait for as long as that (seconds); undefined: it is. */
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
