import { readFileSync } from 'node:fs';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { ConfigError } from '../../../config/index.js';
import { errorMessage } from '../../../errors/index.js';

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
  const take = (name: string): string | undefined => {
    const value = url.searchParams.get(name) ?? undefined;
    url.searchParams.delete(name);
    return value;
  };
  const ssl = sslOptions(options.caFile, {
    mode: take('sslmode'),
    rootCert: take('sslrootcert'),
    cert: take('sslcert'),
    key: take('sslkey'),
  });
  const settings = [
    // Statements rely on it; the database or the role may have another default.
    '-c default_transaction_isolation=read\\ committed',
    `-c statement_timeout=${Math.ceil(options.timeoutMs)}`,
    `-c idle_in_transaction_session_timeout=${IDLE_TRANSACTION_MS}`,
  ];
  // `pg` prefers what the URL says to what stands beside it: `options` leaves the URL first.
  const sessionOptions = [take('options') ?? [], settings].flat().join(' ');
  return {
    connectionString: url.href,
    application_name: 'openhands-agent-server',
    options: sessionOptions,
    ssl,
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
  throw problem('database_url', 'a URL such as postgres://user:password@host:5432/database', 'another text');
}

interface SslParameters {
  mode: string | undefined;
  rootCert: string | undefined;
  cert: string | undefined;
  key: string | undefined;
}

/**
 * TLS as libpq understands `sslmode`: `require` encrypts without looking at the certificate unless
 * authorities are given, `verify-ca` checks who has signed it, `verify-full` also the name of the host.
 */
function sslOptions(caFile: string | null, given: SslParameters): ConnectionOptions | false {
  const file = caFile ?? given.rootCert;
  const mode = given.mode ?? (file === undefined ? 'disable' : 'verify-full');
  if (mode === 'disable') {
    if (file === undefined) return false;
    throw problem('database_url', 'sslmode=verify-full, as authorities are given', 'sslmode=disable');
  }
  const ca = file === undefined ? undefined : readPem('database_ca_file', file);
  const own = {
    ca,
    cert: given.cert === undefined ? undefined : readPem('database_url', given.cert),
    key: given.key === undefined ? undefined : readPem('database_url', given.key),
  };
  switch (mode) {
    case 'verify-full':
      return { ...own, rejectUnauthorized: true, checkServerIdentity };
    case 'verify-ca':
      return { ...own, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case 'require':
      return { ...own, rejectUnauthorized: ca !== undefined, checkServerIdentity: () => undefined };
    case 'no-verify':
      return { ...own, rejectUnauthorized: false, checkServerIdentity: () => undefined };
    default:
      throw problem(
        'database_url',
        'sslmode to be disable, require, verify-ca, verify-full or no-verify',
        JSON.stringify(mode.slice(0, 40)),
      );
  }
}

function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw problem(option, 'a file in PEM that can be read', errorMessage(error));
  }
}

function problem(path: string, expected: string, found: string): ConfigError {
  return new ConfigError([{ path, expected, found, source: 'configuration' }]);
}
