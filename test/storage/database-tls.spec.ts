import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Database } from '../../src/storage/postgres/database/index.js';
import { PostgresStorage } from '../../src/storage/postgres/postgres-storage.js';
import { CertificateAuthority, OPENSSL_MISSING } from '../support/certificates.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { describeWithPostgres, PostgresInstance, queryOn } from '../support/postgres.js';
import { ServerProcess } from '../support/server-process.js';

if (OPENSSL_MISSING !== undefined)
  process.stderr.write(`TLS to the database is not tested: ${OPENSSL_MISSING}\n`);

(OPENSSL_MISSING === undefined ? describeWithPostgres : describe.skip)('a database with TLS', () => {
  let authority: CertificateAuthority;
  let other: CertificateAuthority;
  let postgres: PostgresInstance;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'database-tls-'));
    [authority, other] = await Promise.all([CertificateAuthority.create(), CertificateAuthority.create()]);
    postgres = await startWith('localhost');
  });
  afterAll(async () => {
    await postgres.stop();
    await Promise.all([authority.remove(), other.remove()]);
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(() => {
    for (const level of ['log', 'error', 'debug'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
  });
  afterEach(() => void jest.restoreAllMocks());

  /** A server that accepts encrypted connections only. */
  async function startWith(...names: string[]): Promise<PostgresInstance> {
    const own = authority.issue(...names);
    return PostgresInstance.start({
      settings: { ssl: 'on', ssl_ca_file: 'root.crt' },
      files: {
        'server.crt': await readFile(own.certificate, 'utf8'),
        'server.key': await readFile(own.key, 'utf8'),
        'root.crt': await readFile(authority.certificate, 'utf8'),
        // The database `postgres` is open; others demand a certificate for the role.
        'pg_hba.conf': 'hostssl postgres all all trust\nhostssl all all all cert\n',
      },
    });
  }

  function urlOf(query: string, { host = 'localhost', database = 'postgres' } = {}): string {
    const url = new URL(`${postgres.url(database)}${query}`);
    url.hostname = host;
    return url.href;
  }

  const accessOf = (url: string, caFile: string | null = null) => ({
    url,
    caFile,
    poolSize: 4,
    timeoutMs: 5000,
  });

  /** Whether a connection is encrypted. */
  async function isEncrypted(url: string, caFile: string | null = null): Promise<boolean> {
    const database = new Database(accessOf(url, caFile));
    try {
      const statement = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
      return (await database.read<{ ssl: boolean }>(statement)).rows[0]?.ssl ?? false;
    } finally {
      await database.close();
    }
  }

  /** @returns what an operator reads whose server cannot start */
  async function refusal(url: string, caFile: string | null = null): Promise<string> {
    const storage = PostgresStorage.open({
      database: accessOf(url, caFile),
      leaseSeconds: 10,
      serverUrl: null,
      proofs: undefined,
      folders: { folder: (id) => path.join(folder, id) },
    });
    return storage.then(
      async (opened) => {
        await opened.close();
        return 'no refusal';
      },
      (error: unknown) => String(error),
    );
  }

  it('serves a server that checks its certificate, on all connections', async () => {
    const server = await ServerProcess.start({
      env: {
        OH_DATABASE_URL: urlOf('?sslmode=verify-full'),
        OH_DATABASE_CA_FILE: authority.certificate,
        OH_SECRET_KEY: 'a-key-that-encrypts-what-is-stored',
      },
    });
    try {
      const conversation = await ConversationClient.create(
        server,
        scriptedRequest(path.join(server.cwd, 'work'), 'FINISH: ok'),
      );
      await conversation.reaches('finished');
      const connections = await queryOn(
        urlOf('?sslmode=no-verify'),
        `SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE application_name = 'openhands-agent-server'`,
      );
      expect(connections).toEqual([{ ssl: true }]);
    } finally {
      await server.stop();
    }
  });

  it('is reached with each mode whose conditions hold', async () => {
    const [localhost, address] = [{ host: 'localhost' }, { host: '127.0.0.1' }];
    const { certificate } = authority;
    expect(await isEncrypted(urlOf('?sslmode=require', address))).toBe(true);
    expect(await isEncrypted(urlOf('?sslmode=no-verify', address), other.certificate)).toBe(true);
    expect(await isEncrypted(urlOf('?sslmode=require', address), certificate)).toBe(true);
    expect(await isEncrypted(urlOf('?sslmode=verify-ca', address), certificate)).toBe(true);
    expect(await isEncrypted(urlOf('?sslmode=verify-full', localhost), certificate)).toBe(true);
    expect(await isEncrypted(urlOf('', localhost), certificate)).toBe(true);
    expect(await isEncrypted(urlOf('?ssl=true', localhost), certificate)).toBe(true);
    expect(await isEncrypted(urlOf(`?sslrootcert=${certificate}`, localhost))).toBe(true);
  });

  it('accepts a client by its certificate', async () => {
    await queryOn(urlOf('?sslmode=no-verify'), 'CREATE DATABASE closed');
    const { certificate, key } = authority.issue('postgres');
    const own = `?sslmode=verify-full&sslcert=${certificate}&sslkey=${key}`;
    const place = { database: 'closed' };
    expect(await isEncrypted(urlOf(own, place), authority.certificate)).toBe(true);
    expect(await refusal(urlOf('?sslmode=verify-full', place), authority.certificate)).toMatch(
      /certificate.*Correct the user or the password in database_url/,
    );
  });

  it('checks an address against the addresses of the certificate', async () => {
    const before = postgres;
    try {
      postgres = await startWith('127.0.0.1');
      const address = { host: '127.0.0.1' };
      expect(await isEncrypted(urlOf('?sslmode=verify-full', address), authority.certificate)).toBe(true);
      expect(await refusal(urlOf('?sslmode=verify-full'), authority.certificate)).toContain(
        'Use a name of its certificate',
      );
    } finally {
      await postgres.stop();
      postgres = before;
    }
  });

  it('says what is wrong where a server cannot start', async () => {
    const plain = await PostgresInstance.start();
    const noCertificate = path.join(folder, 'empty.pem');
    await writeFile(noCertificate, 'nothing\n');
    try {
      const [unencrypted, unknown, foreign, misnamed, withoutTls, empty] = await Promise.all([
        refusal(urlOf('')),
        refusal(urlOf('?sslmode=verify-full')),
        refusal(urlOf('?sslmode=verify-full'), other.certificate),
        refusal(urlOf('?sslmode=verify-full', { host: '127.0.0.1' }), authority.certificate),
        refusal(`${plain.url()}?sslmode=require`),
        refusal(urlOf('?sslmode=verify-full'), noCertificate),
      ]);
      expect(unencrypted).toMatch(/no encryption\. It may demand TLS: add sslmode=verify-full/);
      expect(unknown).toMatch(/certificate.*Name the certificate of the authority .* in database_ca_file/);
      expect(foreign).toMatch(/certificate.*Name the certificate of the authority .* in database_ca_file/);
      expect(misnamed).toMatch(/127\.0\.0\.1.*Use a name of its certificate as the host in database_url/);
      expect(withoutTls).toMatch(/does not support SSL.*Switch on TLS in the database/);
      expect(empty).toMatch(/database_ca_file.*certificates in PEM.*none in/);
    } finally {
      await plain.stop();
    }
  });
});
