import { type Principal, SESSION } from '../auth/index.js';
import { DomainError, type SocketError } from '../errors/index.js';

/** The limits of one key; null: no limit. The names are those of the wire and of the configuration. */
export interface KeyLimits {
  /** Requests and messages on sockets. */
  requests_per_minute: number | null;
  /** Open at the same time. */
  sockets: number | null;
  /** Of its conversations, at the same time. */
  concurrent_runs: number | null;
  conversations_per_day: number | null;
  /** Cost of the models of its conversations (US dollars). */
  usd_per_day: number | null;
  usd_per_month: number | null;
}

/** The name of a limit. */
export type LimitName = keyof KeyLimits;

/** The names of all limits. */
export const LIMIT_NAMES: readonly LimitName[] = [
  'requests_per_minute',
  'sockets',
  'concurrent_runs',
  'conversations_per_day',
  'usd_per_day',
  'usd_per_month',
];

const UNLIMITED: KeyLimits = {
  requests_per_minute: null,
  sockets: null,
  concurrent_runs: null,
  conversations_per_day: null,
  usd_per_day: null,
  usd_per_month: null,
};

/**
 * The limits in force: those that a key was given, else the defaults. The session key has none.
 * @param key undefined for a key that does not exist any more, whose conversations may still run
 */
export function limitsInForce(
  key: Pick<Principal, 'id' | 'limits'> | undefined,
  defaults: KeyLimits,
): KeyLimits {
  if (key?.id === SESSION.id) return UNLIMITED;
  const inForce = { ...UNLIMITED };
  for (const name of LIMIT_NAMES) {
    const given = key?.limits[name];
    inForce[name] = typeof given === 'number' ? given : defaults[name];
  }
  return inForce;
}

/** A key has reached one of its limits. The message is for its user. */
export class LimitReachedError extends DomainError {
  override readonly name = 'LimitReachedError';
  readonly kind = 'limit-reached';
  override readonly socketError: SocketError;

  constructor(
    readonly limit: LimitName,
    what: string,
    /** When the client may try again. */
    override readonly retryAfterSeconds: number,
  ) {
    super(`${what} (${limit}). Try again in ${waitOf(retryAfterSeconds)}.`);
    this.socketError = { code: 'KeyLimitReached', detail: this.message };
  }
}

function waitOf(seconds: number): string {
  if (seconds < 120) return `${seconds} second${seconds === 1 ? '' : 's'}`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
