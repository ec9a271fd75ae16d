import { SortedSecrets } from './sorted-secrets.js';
import type { Finder, Found } from './secret-search.js';

/** So many buckets for a secret, a power of two of them in all: few of what is no head is looked up. */
const BUCKETS_EACH = 16;
const MOST_BUCKETS = 1 << 16;
const BASE = 31;

/** Finds secrets by what they begin with: a text is gone through once, however many they are. */
export class SecretTable implements Finder {
  private readonly byHead = new Map<string, SortedSecrets>();
  private readonly all: SortedSecrets;
  /** Which heads there are, by their hash: it answers nearly all questions. */
  private readonly heads: Uint8Array;
  /** By which the character that leaves a head counts in its hash, which is a rolling one. */
  private readonly weight: number;

  /** @param head so many characters are looked up; no secret has fewer */
  constructor(
    secrets: readonly string[],
    private readonly head: number,
  ) {
    this.all = new SortedSecrets(secrets);
    this.heads = new Uint8Array(
      Math.min(MOST_BUCKETS, 2 ** Math.ceil(Math.log2(secrets.length * BUCKETS_EACH))),
    );
    const groups = new Map<string, string[]>();
    for (const secret of secrets) {
      const begins = secret.slice(0, head);
      const group = groups.get(begins);
      if (group) group.push(secret);
      else groups.set(begins, [secret]);
      this.heads[this.hashAt(secret, 0) & (this.heads.length - 1)] = 1;
    }
    for (const [begins, group] of groups) this.byHead.set(begins, new SortedSecrets(group));
    let weight = 1;
    for (let index = 0; index < head; index += 1) weight = Math.imul(weight, BASE);
    this.weight = weight;
  }

  next(text: string, at: number): Found | undefined {
    for (const [start, secrets] of this.places(text, at)) {
      const value = secrets.longestAt(text, start);
      if (value !== undefined) return { start, end: start + value.length };
    }
    return undefined;
  }

  openFrom(text: string, at: number): number {
    const from = Math.max(at, text.length - this.all.longest + 1);
    for (const [start, secrets] of this.places(text, from))
      if (secrets.goesOn(text.slice(start))) return start;
    // What is shorter than a head is no place of one.
    for (let start = Math.max(from, text.length - this.head + 1); start < text.length; start += 1)
      if (this.all.goesOn(text.slice(start))) return start;
    return text.length;
  }

  /** Where a secret may begin, and which. */
  private *places(text: string, from: number): Generator<[start: number, secrets: SortedSecrets]> {
    const last = text.length - this.head;
    if (from > last) return;
    for (let start = from, hash = this.hashAt(text, from); start <= last; start += 1) {
      if (this.heads[hash & (this.heads.length - 1)] === 1) {
        const secrets = this.byHead.get(text.slice(start, start + this.head));
        if (secrets) yield [start, secrets];
      }
      const leaving = Math.imul(text.charCodeAt(start), this.weight);
      hash = (Math.imul(hash, BASE) + text.charCodeAt(start + this.head) - leaving) | 0;
    }
  }

  private hashAt(text: string, start: number): number {
    let hash = 0;
    for (let at = start; at < start + this.head; at += 1)
      hash = (Math.imul(hash, BASE) + text.charCodeAt(at)) | 0;
    return hash;
  }
}
