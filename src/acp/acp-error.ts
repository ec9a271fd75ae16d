import { DomainError, errorMessage } from '../errors/index.js';
import { withTimeout } from '../flow/index.js';

/** What can go wrong with an agent from elsewhere, in the words that clients know. */
export type AcpErrorCode =
  'ACPSpawnError' | 'ACPInitError' | 'ACPStartupTimeout' | 'ACPAuthRequired' | 'ACPPromptError';

/** An agent from elsewhere could not be started, or did not do what it was asked. */
export class AcpError extends DomainError {
  override readonly name = 'AcpError';
  readonly kind = 'rejected';
  constructor(
    readonly code: AcpErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** An agent from elsewhere cannot do what was asked of it at all. */
export class AcpUnsupportedError extends DomainError {
  override readonly name = 'AcpUnsupportedError';
  readonly kind = 'rejected';
}

/** An agent from elsewhere did not answer in time. */
export class AcpTimeoutError extends DomainError {
  override readonly name = 'AcpTimeoutError';
  readonly kind = 'upstream-timeout';
}

/** What an agent answers, if it does so in time. @throws AcpTimeoutError */
export async function inTime<T>(answer: Promise<T>, limitMs: number): Promise<T> {
  return withTimeout(answer, limitMs, () => {
    throw new AcpTimeoutError(`The ACP agent did not answer within ${Math.round(limitMs / 1000)}s.`);
  });
}

/** The agent asked for something that it cannot have. `code` is that of JSON-RPC. */
export class ClientRefusal extends Error {
  override readonly name = 'ClientRefusal';
  constructor(
    message: string,
    readonly code = INVALID_PARAMS,
  ) {
    super(message);
  }
}

/** JSON-RPC: the parameters are not valid. */
const INVALID_PARAMS = -32602;
/** Of the protocol: the file, terminal or session does not exist. */
export const NOT_FOUND = -32002;
/** Of the protocol: authenticate first. */
const AUTH_REQUIRED = -32000;

/** The error of a request that the agent answered with one: `[-32603] Internal error: details`. */
export function toAcpError(error: unknown, code: AcpErrorCode): AcpError {
  if (error instanceof AcpError) return error;
  const refusal = refusalOf(error);
  if (!refusal) return new AcpError(code, errorMessage(error));
  return new AcpError(refusal.code === AUTH_REQUIRED ? 'ACPAuthRequired' : code, refusal.text);
}

/** What the agent says to a request that it refuses, without the number. */
export function refusalText(error: unknown): string {
  return refusalOf(error)?.words ?? errorMessage(error);
}

function refusalOf(error: unknown): { code: number; text: string; words: string } | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  if (typeof code !== 'number') return undefined;
  const message = errorMessage(error);
  const details = 'data' in error ? detailsOf(error.data) : undefined;
  const words = details === undefined || details === message ? message : `${message}: ${details}`;
  return { code, text: `[${code}] ${words}`, words };
}

function detailsOf(data: unknown): string | undefined {
  if (typeof data === 'string') return data;
  if (typeof data !== 'object' || data === null) return undefined;
  const { details, message }: { details?: unknown; message?: unknown } = data;
  return [details, message].find((text) => typeof text === 'string');
}
