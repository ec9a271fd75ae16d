import { constants } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../../errors/index.js';
import type { LeaseOwner } from '../../lease-store.js';
import { isMissing, openPlainFile, readPlainFile, undefinedIfMissing } from '../../../files/index.js';
import { LEASE_FILE } from '../conversation-folder.js';
import { linkNewFile } from '../log/durable-file.js';
import { formatLease, ownLease, parseLease, sameOwner, vacancyOf, type Vacancy } from './lease-record.js';

const CLAIM = /^owner_lease\.(\d+)\.claim$/;

/** An acquired lease, and why its previous owner could be replaced (undefined: there was none). */
interface TakenLease {
  lease: LeaseOwner;
  previous: Vacancy;
}

/**
 * `owner_lease.json` of one conversation.
 *
 * Why two processes cannot both own it: a claimant of generation N+1 first links a complete claim file named
 * `owner_lease.{N+1}.claim`, which succeeds for one process only. Then it reads the lease again, and renames
 * the claim over it only if the lease is still the vacant generation N. A claim that a crash left is skipped
 * for the next number, never removed and recreated, so that no two processes use the same name. Renewal
 * overwrites the file in place: an owner that was frozen during it writes to the replaced file, not to the
 * new one. A renewal in time needs no more checks, since nobody can have found the lease vacant before it. A
 * late renewal looks for claims after its write, while a claimant reads the lease after its claim: one of the
 * two sees the other and gives up. The file stays when a lease is released, so that generations always grow.
 * Clocks of different hosts must agree to well within the time to live.
 */
export class LeaseFile {
  private readonly file: string;

  /**
   * @param instanceId the owner that acquires leases; it must not hold this lease when it calls `take`
   * @param ttlMs time after which a lease that is not renewed expires
   */
  constructor(
    private readonly folder: string,
    private readonly instanceId: string,
    private readonly ttlMs: number,
  ) {
    this.file = path.join(folder, LEASE_FILE);
  }

  /** Acquires the lease if it is vacant; undefined when a live owner holds it or is acquiring it. */
  async take(): Promise<TakenLease | undefined> {
    // Another round is needed only if another process changed the lease between two reads.
    for (let round = 0; round < 5; round += 1) {
      const current = await this.read(this.file);
      if (!current) {
        const lease = this.proposal(1);
        if (await this.create(this.file, lease)) return { lease, previous: undefined };
        continue;
      }
      const claim = await this.claim(current);
      if (claim === 'held') return undefined;
      const previous = await this.replace(current, claim);
      if (previous) return { lease: claim.lease, previous };
    }
    return undefined;
  }

  /** Whether the lease could be acquired now. */
  async isVacant(): Promise<boolean> {
    const current = await this.read(this.file);
    return current === undefined || this.vacancyOf(current) !== undefined;
  }

  /** The server that holds the lease; undefined if it is vacant. */
  async owner(): Promise<string | undefined> {
    const current = await this.read(this.file);
    return current && this.vacancyOf(current) === undefined ? current.owner_instance_id : undefined;
  }

  /**
   * Overwrites the lease with its renewed or released state, if it still has this owner.
   * @returns false when it has another owner
   */
  async overwrite(own: LeaseOwner, next: LeaseOwner): Promise<boolean> {
    const handle = await openPlainFile(this.file, constants.O_RDWR).catch(undefinedIfMissing);
    if (!handle) return false;
    try {
      const text = await handle.readFile('utf8');
      const found = parseLease(text);
      if (!found || !sameOwner(found, own)) return false;
      await handle.write(formatLease(next).padEnd(text.length), 0);
    } finally {
      await handle.close();
    }
    const inTime = Date.now() < own.expires_at * 1000;
    return inTime || this.isUndisputed(own);
  }

  /** After a late renewal: no other process has acquired the lease or is acquiring it. */
  private async isUndisputed(own: LeaseOwner): Promise<boolean> {
    for (const name of await readdir(this.folder)) {
      const generation = Number(CLAIM.exec(name)?.[1]);
      if (!(generation > own.generation)) continue;
      const claim = parseLease(
        (await readPlainFile(path.join(this.folder, name)).catch(undefinedIfMissing)) ?? '',
      );
      // A claim of a dead process, or an expired one, is not used any more: see `replace`.
      if (claim && vacancyOf(claim) === undefined) return false;
    }
    const found = parseLease((await readPlainFile(this.file).catch(undefinedIfMissing)) ?? '');
    return found !== undefined && sameOwner(found, own);
  }

  private async claim(current: LeaseOwner): Promise<{ lease: LeaseOwner; stale: string[] } | 'held'> {
    if (this.vacancyOf(current) === undefined) return 'held';
    const stale: string[] = [];
    for (let generation = current.generation + 1; ; generation += 1) {
      const lease = this.proposal(generation);
      const name = this.claimFile(generation);
      if (await this.create(name, lease)) return { lease, stale };
      const other = await this.read(name);
      if (other && this.vacancyOf(other) === undefined) return 'held';
      stale.push(name);
    }
  }

  /** Replaces a vacant lease by a claim; undefined when the lease has changed meanwhile. */
  private async replace(
    current: LeaseOwner,
    { lease, stale }: { lease: LeaseOwner; stale: string[] },
  ): Promise<Vacancy> {
    const name = this.claimFile(lease.generation);
    const found = await this.read(this.file);
    const vacancy = found && sameOwner(found, current) ? this.vacancyOf(found) : undefined;
    if (vacancy === undefined) {
      await rm(name, { force: true });
      return undefined;
    }
    const renamed = await rename(name, this.file).then(() => true, undefinedIfMissing);
    // Only now: while a stale claim exists, late owners and slow claimants see that the lease is disputed.
    for (const old of stale) await rm(old, { force: true });
    const written = renamed && (await this.read(this.file));
    // If this process was frozen, another claimant may have skipped its claim: an expired one does not count.
    return written && sameOwner(written, lease) && Date.now() < lease.expires_at * 1000 ? vacancy : undefined;
  }

  private claimFile(generation: number): string {
    return path.join(this.folder, `owner_lease.${generation}.claim`);
  }

  private proposal(generation: number): LeaseOwner {
    return ownLease(this.instanceId, generation, Date.now() + this.ttlMs);
  }

  /** A lease of this server that it does not hold any more counts as released. */
  private vacancyOf(lease: LeaseOwner): Vacancy {
    return lease.owner_instance_id === this.instanceId ? 'released' : vacancyOf(lease);
  }

  /** The lease in a file. A damaged one (after a power cut) expires a time to live after its last change. */
  private async read(file: string): Promise<LeaseOwner | undefined> {
    if (isMissing(file)) return undefined;
    const text = await readPlainFile(file).catch(undefinedIfMissing);
    if (text === undefined) return undefined;
    const lease = parseLease(text);
    if (lease) return lease;
    const changed = await stat(file).catch(undefinedIfMissing);
    if (!changed) return undefined;
    const expires_at = (changed.mtimeMs + this.ttlMs) / 1000;
    return { owner_instance_id: '', generation: 0, expires_at, owner_host: '', owner_pid: 0 };
  }

  /** Creates a file that is complete as soon as it is visible; false when the name is taken. */
  private async create(file: string, lease: LeaseOwner): Promise<boolean> {
    const temporary = path.join(this.folder, `owner_lease.${lease.owner_instance_id}.tmp`);
    try {
      await linkNewFile(file, temporary, formatLease(lease));
      return true;
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw error;
    }
  }
}
