import { isIP } from 'node:net';
import { isJsonObject } from '../../json/index.js';
import type { ClusterKeys } from '../../crypto/index.js';
import { ReplayWindow } from './replay-window.js';

/** The header of requests that another server has passed on, and of answers that refuse one. */
export const HOP_HEADER = 'x-openhands-hop';
/** Value of the header in an answer: the conversation is not here any more, nothing was done. */
export const MOVED = 'moved';
/** Value of the header in an answer: the pass is for another server, nothing was done. */
export const MISDIRECTED = 'misdirected';
/** Value of the header in an answer: the pass is not accepted, nothing was done. */
export const REFUSED = 'refused';

/** How far the clocks of two servers may differ, and how long a pass is valid (ms). */
const MAX_AGE_MS = 60_000;
/** Most servers that are remembered; a restarted server counts as another one. */
const MAX_SENDERS = 1_000;
const MAX_LENGTH = 2_048;

/** What a server tells another one about a request that it passes on. */
export interface Hop {
  /** The server that passes it on. Differs for each start of a process. */
  from: string;
  /** The server that is to serve it. */
  to: string;
  /** The address of the client's connection. */
  client: string | null;
  /** The host that the client has asked for. */
  host: string | null;
  /** The id of the named key that the first server has verified; null: the second one checks the key. */
  key: string | null;
}

/** Why a pass is refused. */
export type PassProblem =
  /** It was not made with the key of the cluster, or for another request. */
  | 'forged'
  /** It is too old, or the clocks of the servers differ. */
  | 'expired'
  /** It was used before. */
  | 'repeated';

/** Makes passes: proofs that a server of the cluster has sent this very request. */
export class PassWriter {
  private count = 0;

  constructor(
    private readonly keys: ClusterKeys,
    private readonly clock: () => number = Date.now,
  ) {}

  /** The value of the header for a request. */
  write(method: string, target: string, hop: Hop): string {
    const payload = Buffer.from(JSON.stringify({ ...hop, n: this.count++, at: this.clock() })).toString(
      'base64url',
    );
    return `${payload}.${this.keys.sign(signed(method, target, payload)).toString('base64url')}`;
  }
}

/** Checks passes, each of which is accepted once. */
export class PassReader {
  /** The numbers that each server has used, the least recently seen server first. */
  private readonly senders = new Map<string, { window: ReplayWindow; last: number }>();

  constructor(
    private readonly keys: ClusterKeys,
    private readonly clock: () => number = Date.now,
  ) {}

  /** Reads a pass. Its target server is for the caller to check. */
  read(method: string, target: string, pass: string): Hop | PassProblem {
    const [payload = '', proof = '', ...rest] = pass.length > MAX_LENGTH ? [] : pass.split('.');
    const isGenuine = this.keys.verify(signed(method, target, payload), Buffer.from(proof, 'base64url'));
    const parsed = isGenuine && rest.length === 0 ? parse(payload) : undefined;
    if (!parsed) return 'forged';
    const { hop, number, at } = parsed;
    if (Math.abs(this.clock() - at) > MAX_AGE_MS) return 'expired';
    return this.isNew(hop.from, number, at) ? hop : 'repeated';
  }

  private isNew(from: string, number: number, at: number): boolean {
    const known = this.senders.get(from);
    if (!known && !this.makeRoom()) return false;
    const sender = known ?? { window: new ReplayWindow(), last: at };
    sender.last = Math.max(sender.last, at);
    this.senders.delete(from);
    this.senders.set(from, sender);
    return sender.window.accept(number);
  }

  /** Forgets servers none of whose passes is valid any more. */
  private makeRoom(): boolean {
    const oldest = this.clock() - MAX_AGE_MS;
    for (const [from, { last }] of this.senders) if (last < oldest) this.senders.delete(from);
    return this.senders.size < MAX_SENDERS;
  }
}

/** What is signed. The body is not: whoever can change it on its way needs TLS against them. */
function signed(method: string, target: string, payload: string): string {
  return `${method}\n${target}\n${payload}`;
}

function parse(payload: string): { hop: Hop; number: number; at: number } | undefined {
  const fields: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
  if (!isJsonObject(fields)) return undefined;
  const { from, to, client, host, key, n: number, at } = fields;
  if (typeof from !== 'string' || typeof to !== 'string') return undefined;
  if (!Number.isSafeInteger(number) || !Number.isSafeInteger(at)) return undefined;
  const address = typeof client === 'string' && isIP(client.split('%')[0] ?? '') !== 0 ? client : null;
  return {
    hop: {
      from,
      to,
      client: address,
      host: typeof host === 'string' ? host : null,
      key: typeof key === 'string' ? key : null,
    },
    number: Number(number),
    at: Number(at),
  };
}
