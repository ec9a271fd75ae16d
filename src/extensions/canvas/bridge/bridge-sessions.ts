import { randomBytes } from 'node:crypto';
import type { BackendRun } from '../backends/processes/backend-run.js';

const NAME = 'oh_app_backend_session';
/** Lifetime of a session (ms). */
const SESSION_TTL_MS = 5 * 60_000;

/** A browser's permission to use one run of a back end. */
export interface BridgeSession {
  token: string;
  name: string;
  run: BackendRun;
  expiresAt: Date;
  /** Aborted when the session expires, is revoked, or the run ends. */
  ended: AbortSignal;
}

/** The sessions of all back ends, in memory only. */
export class BridgeSessions {
  private readonly sessions = new Map<string, { session: BridgeSession; end: () => void }>();

  constructor(private readonly ms = SESSION_TTL_MS) {}

  open(name: string, run: BackendRun): BridgeSession {
    const token = randomBytes(32).toString('base64url');
    const over = new AbortController();
    let stopListening = (): void => undefined;
    const end = (): void => {
      clearTimeout(timer);
      stopListening();
      this.sessions.delete(token);
      over.abort();
    };
    const timer = setTimeout(end, this.ms);
    timer.unref();
    const session = { token, name, run, expiresAt: new Date(Date.now() + this.ms), ended: over.signal };
    this.sessions.set(token, { session, end });
    // If the run has already ended the session ends at once.
    stopListening = run.onEnd(end);
    return session;
  }

  /** The session in a request's cookie, if it is valid for this back end. */
  find(name: string, cookie: string | undefined): BridgeSession | undefined {
    const shown = tokensIn(cookie).map((token) => this.sessions.get(token)?.session);
    return shown.find((session) => session?.name === name);
  }

  /** Revokes a session. */
  close(session: BridgeSession): void {
    this.sessions.get(session.token)?.end();
  }
}

/** The cookie of a session: only for this back end, and also within pages of another origin. */
export function sessionCookie({ token, name }: BridgeSession): string {
  return format(token, SESSION_TTL_MS / 1_000, name);
}

/** A cookie that removes the session cookie. */
export function expiredSessionCookie(name: string): string {
  return format('""', 0, name);
}

function format(value: string, maxAge: number, name: string): string {
  const where = `Path=/app-backends/${name}; SameSite=none; Secure; Partitioned`;
  return `${NAME}=${value}; HttpOnly; Max-Age=${maxAge}; ${where}`;
}

function tokensIn(cookie = ''): string[] {
  return cookie.split(';').flatMap((pair) => {
    const [name, value] = pair.trim().split('=');
    return name === NAME && value !== undefined ? [value] : [];
  });
}
