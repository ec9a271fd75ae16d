import pg from 'pg';
import { ConfigError } from '../../../config/index.js';
import { tlsOptions } from './tls-options.js';

/** How to reach the database. The class is the injection token. */
export abstract class DatabaseOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full`. */
  abstract readonly url: string;
  /** PEM file with the authorities that the database is trusted by; null: those of the system. */
  abstract readonly caFile: string | null;
  /** Maximum number of connections, those for appends and notifications included. */
  abstract readonly poolSize: number;
  /** Limit for a statement, and for the wait for a connection (ms). */
  abstract readonly timeoutMs: number;
}

/** A statement that the server has not ended in time is ended by the client after this further time (ms). */
export const CLIENT_GRACE_MS = 500;
/** A transaction that its client has left open blocks others (ms). */
const IDLE_TRANSACTION_MS = 30_000;

const OID_INT8 = 20;

/** Parsers of values as in `pg`, but 64-bit integers are numbers: positions and counts stay below 2^53. */
const types = new pg.TypeOverrides();
types.setTypeParser(OID_INT8, Number);

/**
 * The options of `pg` for a connection.
 * @throws ConfigError for a URL or a file that cannot be used
 */
export function connectionConfig(options: DatabaseOptions): pg.ClientConfig {
  const url = parse(options.url);
  const tls = tlsOptions(url, options.caFile);
  const settings = [
    // Statements rely on it; the database or the role may have another default.
    '-c default_transaction_isolation=read\\ committed',
    `-c statement_timeout=${Math.ceil(options.timeoutMs)}`,
    `-c idle_in_transaction_session_timeout=${IDLE_TRANSACTION_MS}`,
  ];
  // `pg` prefers what the URL says to what stands beside it: `options` leaves the URL first.
  const sessionOptions = [url.searchParams.get('options') ?? [], settings].flat().join(' ');
  url.searchParams.delete('options');
  return {
    connectionString: url.href,
    application_name: 'openhands-agent-server',
    options: sessionOptions,
    ...tls,
    types,
    keepAlive: true,
    connectionTimeoutMillis: options.timeoutMs,
    query_timeout: options.timeoutMs + CLIENT_GRACE_MS,
  };
}

function parse(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Below: the message of the error would contain the password.
  }
  if (url && /^postgres(ql)?:$/.test(url.protocol)) return url;
  const expected = 'a URL such as postgres://user:password@host:5432/database';
  throw new ConfigError([{ path: 'database_url', expected, found: 'another text', source: 'configuration' }]);
}
