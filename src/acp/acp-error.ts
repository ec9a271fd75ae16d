import { DomainError, errorMessage } from '../errors/index.js';
import { withTimeout } from '../flow/index.js';

/** The codes of errors of ACP agents, as the original sends them to clients. */
export type AcpErrorCode =
  'ACPSpawnError' | 'ACPInitError' | 'ACPStartupTimeout' | 'ACPAuthRequired' | 'ACPPromptError';

/** An ACP agent could not be started, or failed to do what it was asked. */
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

/** The agent does not support the requested operation. */
export class AcpUnsupportedError extends DomainError {
  override readonly name = 'AcpUnsupportedError';
  readonly kind = 'rejected';
}

/** An ACP agent did not answer in time. */
export class AcpTimeoutError extends DomainError {
  override readonly name = 'AcpTimeoutError';
  readonly kind = 'timeout';
}

/** Waits for an agent's answer. @throws AcpTimeoutError after `limitMs` */
export async function withAcpTimeout<T>(answer: Promise<T>, limitMs: number): Promise<T> {
  return withTimeout(answer, limitMs, () => {
    throw new AcpTimeoutError(`The ACP agent did not answer within ${Math.round(limitMs / 1000)}s.`);
  });
}

/** The server refuses a request of the agent. `code` is a JSON-RPC error code. */
export class ClientRequestError extends Error {
  override readonly name = 'ClientRequestError';
  constructor(
    message: string,
    readonly code = INVALID_PARAMS,
  ) {
    super(message);
  }
}

/** JSON-RPC: invalid parameters. */
const INVALID_PARAMS = -32602;
/** ACP: the file, terminal or session does not exist. */
export const NOT_FOUND = -32002;
/** ACP: authentication is required first. */
const AUTH_REQUIRED = -32000;

/** Converts the failure of a request to the agent: `[-32603] Internal error: details`. */
export function toAcpError(error: unknown, code: AcpErrorCode): AcpError {
  if (error instanceof AcpError) return error;
  const rpcError = rpcErrorOf(error);
  if (!rpcError) return new AcpError(code, errorMessage(error));
  return new AcpError(rpcError.code === AUTH_REQUIRED ? 'ACPAuthRequired' : code, rpcError.text);
}

function rpcErrorOf(error: unknown): { code: number; text: string } | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  if (typeof code !== 'number') return undefined;
  const message = errorMessage(error);
  const details = 'data' in error ? detailsOf(error.data) : undefined;
  const text = details === undefined || details === message ? message : `${message}: ${details}`;
  return { code, text: `[${code}] ${text}` };
}

function detailsOf(data: unknown): string | undefined {
  if (typeof data === 'string') return data;
  if (typeof data !== 'object' || data === null) return undefined;
  const { details, message }: { details?: unknown; message?: unknown } = data;
  return [details, message].find((text) => typeof text === 'string');
}
