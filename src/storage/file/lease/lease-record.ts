import os from 'node:os';
import { isProcessAlive } from '../../../processes/index.js';
import type { LeaseOwner } from '../../lease-store.js';

/** Why a lease may be acquired by another owner; undefined while its owner may be writing. */
export type Vacancy = 'released' | 'dead' | 'expired' | undefined;

/** `expires_at` of a released lease. */
const RELEASED = 0;

/** Owners in this process. A process id is not enough: in a container it is 1 after each restart. */
const localOwners = new Set<string>();

/** Registers an owner of this process; returns a function that removes it. */
export function announceOwner(instanceId: string): () => void {
  localOwners.add(instanceId);
  return () => void localOwners.delete(instanceId);
}

/** A lease of this process that expires at a time (ms since the epoch). */
export function ownLease(instanceId: string, generation: number, expiresAt: number): LeaseOwner {
  return {
    owner_instance_id: instanceId,
    generation,
    expires_at: expiresAt / 1000,
    owner_host: os.hostname(),
    owner_pid: process.pid,
  };
}

/** The released state of a lease: anybody may acquire it at once. */
export function released(lease: LeaseOwner): LeaseOwner {
  return { ...lease, expires_at: RELEASED };
}

/**
 * The JSON of a lease. Milliseconds have fixed digits, so that a renewed lease is as long as the one it
 * overwrites.
 */
export function formatLease(lease: LeaseOwner): string {
  const { owner_instance_id, generation, expires_at, owner_host, owner_pid } = lease;
  return (
    `{"owner_instance_id":${JSON.stringify(owner_instance_id)},"generation":${generation},` +
    `"expires_at":${expires_at.toFixed(3)},"owner_host":${JSON.stringify(owner_host)},"owner_pid":${owner_pid}}`
  );
}

/** The lease in a text, or undefined for anything else. */
export function parseLease(text: string): LeaseOwner | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isLease(value) ? value : undefined;
}

/** Whether two records have the same server and the same generation. */
export function sameOwner(a: LeaseOwner, b: LeaseOwner): boolean {
  return a.owner_instance_id === b.owner_instance_id && a.generation === b.generation;
}

/** Whether and why another owner may acquire this lease now. */
export function vacancyOf(lease: LeaseOwner): Vacancy {
  if (lease.expires_at === RELEASED) return 'released';
  if (lease.owner_host === os.hostname() && !isOwnerAlive(lease)) return 'dead';
  return lease.expires_at * 1000 <= Date.now() ? 'expired' : undefined;
}

/** Whether the owner, a process of this host, is running. */
function isOwnerAlive({ owner_pid, owner_instance_id }: LeaseOwner): boolean {
  if (owner_pid === process.pid) return localOwners.has(owner_instance_id);
  return isProcessAlive(owner_pid);
}

function isLease(value: unknown): value is LeaseOwner {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const pid = fields.get('owner_pid');
  return (
    typeof fields.get('owner_instance_id') === 'string' &&
    Number.isSafeInteger(fields.get('generation')) &&
    typeof fields.get('expires_at') === 'number' &&
    typeof fields.get('owner_host') === 'string' &&
    Number.isSafeInteger(pid) &&
    Number(pid) > 0
  );
}
