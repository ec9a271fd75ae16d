import os from 'node:os';
import { isProcessAlive } from '../../../processes/index.js';
import type { LeaseOwner } from '../../lease-store.js';

/** Why a lease may be taken over; undefined while its owner may be writing. */
export type Vacancy = 'released' | 'dead' | 'expired' | undefined;

/** `expires_at` of a lease that was given back. */
const RELEASED = 0;

/**
 * Owners that live in this process. A process id alone does not tell: in a container it is 1 after each
 * restart.
 */
const ownersHere = new Set<string>();

/** Announces an owner of this process; the answer ends it. */
export function announceOwner(instanceId: string): () => void {
  ownersHere.add(instanceId);
  return () => void ownersHere.delete(instanceId);
}

/** The lease of this process, expiring at this time (ms since the epoch). */
export function ownLease(instanceId: string, generation: number, expiresAt: number): LeaseOwner {
  return {
    owner_instance_id: instanceId,
    generation,
    expires_at: expiresAt / 1000,
    owner_host: os.hostname(),
    owner_pid: process.pid,
  };
}

/** The lease as its owner leaves it: anybody may take it at once. */
export function released(lease: LeaseOwner): LeaseOwner {
  return { ...lease, expires_at: RELEASED };
}

/**
 * The JSON of a lease. Milliseconds keep their digits: a renewed lease is as long as the one it overwrites.
 */
export function formatLease(lease: LeaseOwner): string {
  const { owner_instance_id, generation, expires_at, owner_host, owner_pid } = lease;
  return (
    `{"owner_instance_id":${JSON.stringify(owner_instance_id)},"generation":${generation},` +
    `"expires_at":${expires_at.toFixed(3)},"owner_host":${JSON.stringify(owner_host)},"owner_pid":${owner_pid}}`
  );
}

/** The lease in this text, or undefined when it is none. */
export function parseLease(text: string): LeaseOwner | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isLease(value) ? value : undefined;
}

/** Whether two records are of the same taking: the same server, the same generation. */
export function sameOwner(a: LeaseOwner, b: LeaseOwner): boolean {
  return a.owner_instance_id === b.owner_instance_id && a.generation === b.generation;
}

/** Whether, and why, somebody else may take this lease now. */
export function vacancyOf(lease: LeaseOwner): Vacancy {
  if (lease.expires_at === RELEASED) return 'released';
  if (lease.owner_host === os.hostname() && !livesHere(lease)) return 'dead';
  return lease.expires_at * 1000 <= Date.now() ? 'expired' : undefined;
}

/** Whether the owner, of this host, is a running process. */
function livesHere({ owner_pid, owner_instance_id }: LeaseOwner): boolean {
  if (owner_pid === process.pid) return ownersHere.has(owner_instance_id);
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
