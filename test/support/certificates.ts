import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Why certificates cannot be made here; undefined if they can. */
export const OPENSSL_MISSING =
  spawnSync('openssl', ['version']).status === 0 ? undefined : 'there is no openssl for certificates';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
/** Tests take less, also over midnight. */
const DAYS = ['-days', '2'];

/** Two files in PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** Makes a certificate that only those trust who have it. @param names the first is that of its subject */
export function makeSelfSigned(names: readonly string[], { certificate, key }: KeyPair): void {
  const subject = ['-subj', `/CN=${names[0] ?? ''}`, '-addext', alternativeNames(names)];
  openssl('req', '-x509', ...NEW_KEY, ...DAYS, ...subject, '-keyout', key, '-out', certificate);
}

/** An authority that signs certificates, in a folder of its own. */
export class CertificateAuthority {
  private issued = 0;

  private constructor(private readonly folder: string) {}

  static async create(): Promise<CertificateAuthority> {
    const authority = new CertificateAuthority(await mkdtemp(path.join(os.tmpdir(), 'authority-')));
    const { certificate, key } = authority;
    const subject = ['-subj', '/CN=authority of tests'];
    openssl('req', '-x509', ...NEW_KEY, ...DAYS, ...subject, '-keyout', key, '-out', certificate);
    return authority;
  }

  /** The file of its certificate. */
  get certificate(): string {
    return path.join(this.folder, 'authority.pem');
  }

  /** Signs a certificate. @param names the first one is that of its subject */
  issue(...names: string[]): KeyPair {
    const base = path.join(this.folder, String((this.issued += 1)));
    const pair = { certificate: `${base}.pem`, key: `${base}.key` };
    openssl('req', '-new', ...NEW_KEY, '-subj', `/CN=${names[0] ?? ''}`, '-keyout', pair.key, '-out', base);
    writeFileSync(`${base}.extensions`, alternativeNames(names));
    const signer = ['-CA', this.certificate, '-CAkey', this.key, '-CAcreateserial', ...DAYS];
    openssl(
      'x509',
      '-req',
      '-in',
      base,
      ...signer,
      '-extfile',
      `${base}.extensions`,
      '-out',
      pair.certificate,
    );
    return pair;
  }

  /** Removes all its files. */
  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  private get key(): string {
    return path.join(this.folder, 'authority.key');
  }
}

function alternativeNames(names: readonly string[]): string {
  return `subjectAltName=${names.map((name) => `${/^[\d.]+$/.test(name) ? 'IP' : 'DNS'}:${name}`).join(',')}`;
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args);
  if (status !== 0) throw new Error(`openssl: ${stderr.toString()}`);
}
