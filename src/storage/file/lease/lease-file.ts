import { constants } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../../errors/index.js';
import type { LeaseOwner } from '../../lease-store.js';
import { isMissing, openPlainFile, readPlainFile } from '../../../files/index.js';
import { LEASE_FILE } from '../conversation-folder.js';
import { linkNewFile } from '../log/durable-file.js';
import { formatLease, ownLease, parseLease, sameOwner, vacancyOf, type Vacancy } from './lease-record.js';

const CLAIM = /^owner_lease\.(\d+)\.claim$/;

/** A lease that was taken, and what became of its owner before (undefined: there was none). */
export interface TakenLease {
  lease: LeaseOwner;
  previous: Vacancy;
}

/**
 * `owner_lease.json` of one conversation.
 *
 * Why two processes cannot both own it. Whoever wants generation N+1 first links a complete claim file under
 * the name `owner_lease.{N+1}.claim`, which succeeds for one only, then reads the lease again, and only if
 * that still is the vacant generation N renames the claim over it. A claim left by a crash is passed over for
 * the next number, never removed and re-made, so no two ever work under the same name. Renewal overwrites the
 * file in place: an owner that was frozen in the middle of it hits the file that was replaced, not the new
 * one. A renewal in time needs no more, since nobody may have found the lease vacant before it. A late one
 * looks for claims after it has written, while a claimant reads the lease after it has claimed: one of the
 * two sees the other and gives way. The file stays when a lease is given back, so that generations rise for
 * ever. Clocks of different hosts must agree to well within the time to live.
 */
export class LeaseFile {
  private readonly file: string;

  /**
   * @param instanceId who takes leases through this object; it must not hold this one when it calls `take`
   * @param ttlMs how long a lease lasts that is not renewed
   */
  constructor(
    private readonly folder: string,
    private readonly instanceId: string,
    private readonly ttlMs: number,
  ) {
    this.file = path.join(folder, LEASE_FILE);
  }

  /** Takes the lease if it is vacant; undefined when a live owner has it, or is just taking it. */
  async take(): Promise<TakenLease | undefined> {
    // Each further round means that somebody else has changed the lease between two looks.
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

  /** Whether anybody could take the lease now. */
  async isVacant(): Promise<boolean> {
    const current = await this.read(this.file);
    return current === undefined || this.vacancyOf(current) !== undefined;
  }

  /**
   * Writes a later (or the released) state of a lease over it, if it still is this owner's.
   * @returns false when it is not
   */
  async overwrite(mine: LeaseOwner, next: LeaseOwner): Promise<boolean> {
    const handle = await openPlainFile(this.file, constants.O_RDWR).catch(undefinedIfMissing);
    if (!handle) return false;
    try {
      const text = await handle.readFile('utf8');
      const found = parseLease(text);
      if (!found || !sameOwner(found, mine)) return false;
      await handle.write(formatLease(next).padEnd(text.length), 0);
    } finally {
      await handle.close();
    }
    const inTime = Date.now() < mine.expires_at * 1000;
    return inTime || this.isUndisputed(mine);
  }

  /** After a late renewal: nobody is taking the lease, and nobody has. */
  private async isUndisputed(mine: LeaseOwner): Promise<boolean> {
    for (const name of await readdir(this.folder)) {
      const generation = Number(CLAIM.exec(name)?.[1]);
      if (!(generation > mine.generation)) continue;
      const claim = parseLease(
        (await readPlainFile(path.join(this.folder, name)).catch(undefinedIfMissing)) ?? '',
      );
      // A claim whose maker is gone, or that has run out, is not taken up any more: see `replace`.
      if (claim && vacancyOf(claim) === undefined) return false;
    }
    const found = parseLease((await readPlainFile(this.file).catch(undefinedIfMissing)) ?? '');
    return found !== undefined && sameOwner(found, mine);
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

  /** Puts a claim in the place of a vacant lease; undefined when that has changed meanwhile. */
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
    // Only now: as long as a stale claim stands, late owners and slow claimants see that the lease is
    // disputed.
    for (const old of stale) await rm(old, { force: true });
    const written = renamed && (await this.read(this.file));
    // A claimant that was frozen on the way may have been passed over: it does not count once it has run out.
    return written && sameOwner(written, lease) && Date.now() < lease.expires_at * 1000 ? vacancy : undefined;
  }

  private claimFile(generation: number): string {
    return path.join(this.folder, `owner_lease.${generation}.claim`);
  }

  private proposal(generation: number): LeaseOwner {
    return ownLease(this.instanceId, generation, Date.now() + this.ttlMs);
  }

  /** A lease of this very server that it does not hold any more is as good as given back. */
  private vacancyOf(lease: LeaseOwner): Vacancy {
    return lease.owner_instance_id === this.instanceId ? 'released' : vacancyOf(lease);
  }

  /** The lease in a file. One that cannot be read (a power cut) counts from its last change. */
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

  /** Creates a file that is complete from the first moment; false when the name is taken. */
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

function undefinedIfMissing(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT') return undefined;
  throw error;
}
