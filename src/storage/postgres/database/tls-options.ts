import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { checkServerIdentity, createSecureContext, type ConnectionOptions } from 'node:tls';
import type pg from 'pg';
import { ConfigError } from '../../../config/index.js';
import { errorMessage } from '../../../errors/index.js';

/** Parameters of the URL. `pg` would prefer what they say to its own options: they have to leave the URL. */
const NAMES = ['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation'] as const;
type TlsParameters = Partial<Record<(typeof NAMES)[number], string>>;

/**
 * The options of `pg` for TLS. Their parameters are removed from the URL.
 * @throws ConfigError for a parameter or a file that cannot be used
 */
export function tlsOptions(url: URL, caFile: string | null): Pick<pg.ClientConfig, 'ssl' | 'sslnegotiation'> {
  const given: TlsParameters = {};
  for (const name of NAMES) {
    given[name] = url.searchParams.get(name) ?? undefined;
    url.searchParams.delete(name);
  }
  const ssl = sslOptions(caFile, given);
  return ssl === false ? { ssl } : { ssl, sslnegotiation: negotiation(given.sslnegotiation) };
}

/**
 * TLS as libpq understands `sslmode`: `require` encrypts without looking at the certificate unless
 * authorities are given, `verify-ca` checks who has signed it, `verify-full` also the name of the host.
 */
function sslOptions(caFile: string | null, given: TlsParameters): ConnectionOptions | false {
  const rootCert = given.sslrootcert === 'system' ? undefined : given.sslrootcert;
  const file = caFile ?? rootCert;
  const isWanted = given.sslrootcert !== undefined || caFile !== null;
  const mode = given.sslmode ?? switched(given.ssl) ?? (isWanted ? 'verify-full' : 'disable');
  if (mode === 'disable') {
    if (!isWanted) return false;
    throw urlProblem('sslmode=verify-full, as authorities are given', 'sslmode=disable');
  }
  const own = {
    ca: file === undefined ? undefined : readAuthorities(file),
    cert: given.sslcert === undefined ? undefined : readPem('database_url', given.sslcert),
    key: given.sslkey === undefined ? undefined : readPem('database_url', given.sslkey),
  };
  assertUsable(own);
  switch (mode) {
    case 'verify-full':
      return { ...own, rejectUnauthorized: true, checkServerIdentity };
    case 'verify-ca':
      return { ...own, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case 'require':
      return { ...own, rejectUnauthorized: own.ca !== undefined, checkServerIdentity: () => undefined };
    case 'no-verify':
      return { ...own, rejectUnauthorized: false, checkServerIdentity: () => undefined };
    default:
      throw urlProblem('sslmode to be disable, require, verify-ca, verify-full or no-verify', quoted(mode));
  }
}

/** The mode for `ssl=true` and `ssl=false`, which other drivers know. */
function switched(ssl: string | undefined): string | undefined {
  if (ssl === undefined) return undefined;
  if (ssl === 'true' || ssl === '1') return 'verify-full';
  if (ssl === 'false' || ssl === '0') return 'disable';
  throw urlProblem('ssl to be true or false', quoted(ssl));
}

function negotiation(given = 'postgres'): 'postgres' | 'direct' {
  if (given === 'postgres' || given === 'direct') return given;
  throw urlProblem('sslnegotiation to be postgres or direct', quoted(given));
}

/** Node ignores what is no certificate, and would then trust nobody. */
function readAuthorities(file: string): string {
  const text = readPem('database_ca_file', file);
  try {
    new X509Certificate(text);
  } catch {
    throw problem('database_ca_file', 'certificates in PEM', `none in ${file}`);
  }
  return text;
}

function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw problem(option, 'a file in PEM that can be read', errorMessage(error));
  }
}

function assertUsable(own: ConnectionOptions): void {
  try {
    createSecureContext(own);
  } catch (error) {
    throw urlProblem('sslcert and sslkey of a certificate in PEM and its key', errorMessage(error));
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

function urlProblem(expected: string, found: string): ConfigError {
  return problem('database_url', expected, found);
}

function problem(path: string, expected: string, found: string): ConfigError {
  return new ConfigError([{ path, expected, found, source: 'configuration' }]);
}
