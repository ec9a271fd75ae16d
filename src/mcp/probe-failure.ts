import { STATUS_CODES } from 'node:http';
import { errorCode, errorMessage, errorName } from '../errors/index.js';
import type { McpServerConfig } from '../tools/index.js';
import { isHttpUrl } from '../text/index.js';
import type { FailureKind } from './mcp-responses.js';

/** Why a server cannot be used: a text for users and a category. */
export interface ProbeFailure {
  error: string;
  error_kind: FailureKind;
}

/** System errors of a program start in the original's words. */
const START_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: '[Errno 2] No such file or directory',
  EACCES: '[Errno 13] Permission denied',
};

/** Node's codes for a refused connection, also within other error texts. */
const REFUSED = /\b(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|bad port)\b/;

/**
 * Describes a failed probe in the original's words. `connection`: no program or server; `timeout`: no answer;
 * `unknown`: reached but unusable.
 */
export function toProbeFailure(error: unknown, config: McpServerConfig): ProbeFailure {
  if (errorName(error) === 'TimeoutError') return timedOut(config);
  if (config.kind !== 'stdio' && !isHttpUrl(config.url)) {
    const transport = config.kind === 'sse' ? 'SSE' : 'Streamable HTTP';
    return unusable(`ValueError: Invalid HTTP/S URL provided for ${transport}.`);
  }
  const status = config.kind === 'stdio' ? undefined : httpStatus(error);
  if (config.kind === 'http' && status === 404) return unusable('McpError: Session terminated');
  if (config.kind !== 'stdio' && status !== undefined)
    return unusable(`HTTPStatusError: ${status < 400 ? redirection(error) : statusText(status, config.url)}`);
  const protocolMessage = protocolError(error);
  if (protocolMessage !== undefined) return unusable(`McpError: ${protocolMessage}`);
  return { error: `Client failed to connect: ${reasonOf(error, config)}`, error_kind: 'connection' };
}

const unusable = (error: string): ProbeFailure => ({ error, error_kind: 'unknown' });

function timedOut({ name, timeoutSeconds = 0 }: McpServerConfig): ProbeFailure {
  const seconds = Number.isInteger(timeoutSeconds) ? timeoutSeconds.toFixed(1) : String(timeoutSeconds);
  return {
    error:
      `MCP tool listing timed out after ${seconds} seconds.\nMCP servers configured: ${name}\n\n` +
      'Possible solutions:\n' +
      '  1. Give it more time (`timeout`)\n' +
      '  2. Check that the server runs and answers\n' +
      '  3. Check that this machine reaches it\n',
    error_kind: 'timeout',
  };
}

/** The status of an HTTP response outside of the protocol. */
function httpStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || errorName(error) === 'McpError') return undefined;
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'number' && code >= 300 && code < 600 ? code : undefined;
}

function statusText(status: number, url: string): string {
  return (
    `${status < 500 ? 'Client' : 'Server'} error '${status} ${STATUS_CODES[status] ?? ''}' for url '${url}'\n` +
    `For more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/${status}`
  );
}

/** The target of a redirect that was not followed. */
function redirection(error: unknown): string {
  return errorMessage(error).replace(/^Streamable HTTP error: (Error POSTing to endpoint: )?/, '');
}

/** The protocol error, or that the connection was closed; undefined for other errors. */
function protocolError(error: unknown): string | undefined {
  const text = errorMessage(error);
  if (errorName(error) === 'McpError') return text.replace(/^MCP error -?\d+: /, '');
  // The program ended before the request.
  return text === 'Connection closed' ? text : undefined;
}

function reasonOf(error: unknown, config: McpServerConfig): string {
  const cause = error instanceof Error ? error.cause : undefined;
  // The message of `fetch failed` is in its cause.
  const text = cause === undefined ? errorMessage(error) : `${errorMessage(error)}: ${errorMessage(cause)}`;
  if (config.kind !== 'stdio') return REFUSED.test(text) ? 'All connection attempts failed' : text;
  const known = START_ERRORS[errorCode(error) ?? ''];
  return known === undefined ? text : `${known}: '${config.command}'`;
}
