import { MASK } from './mask.js';

/** Shorter texts are left alone: they stand in ordinary words, too. */
const MIN_LENGTH = 6;
/** So many are known at the same time; beyond it the half that was seen last stays. */
const MAX_TEXTS = 10_000;
const BUCKETS = 1 << 16;

/**
 * The secrets that this server has in its hands at the moment: its own keys and those of conversations. What is written
 * for people is freed of them here, whatever way a secret took to get there. This is the last line of defence: each
 * part takes care not to tell secrets in the first place.
 */
export class KnownSecrets {
  /** In the order in which they were seen last. */
  private readonly texts = new Set<string>();
  /** By their last characters, longest first: keys of one provider all begin alike. */
  private byEnd = new Map<string, string[]>();
  /** Which ends there are, by their hash: it answers nearly all questions. */
  private readonly ends = new Uint8Array(BUCKETS);

  /** @param own secrets of the configuration */
  constructor(private readonly own: readonly string[] = []) {
    this.rebuild([]);
  }

  /** These are secrets from now on. */
  add(texts: Iterable<string>): void {
    for (const text of texts) {
      if (text.length < MIN_LENGTH) continue;
      const isNew = !this.texts.delete(text);
      this.texts.add(text);
      if (isNew) for (const form of formsOf(text)) this.index(form);
    }
    if (this.texts.size > MAX_TEXTS) this.rebuild([...this.texts].slice(-MAX_TEXTS / 2));
  }

  /** The text with `**********` in place of each secret. */
  mask(text: string): string {
    let masked = '';
    let until = text.length;
    for (let end = until; end >= MIN_LENGTH; end--) {
      if (this.ends[hashBefore(text, end)] === 0) continue;
      const secret = this.secretBefore(text, end);
      if (secret === undefined) continue;
      masked = MASK + text.slice(end, until) + masked;
      until = end - secret.length;
      end = until + 1;
    }
    return until === text.length ? text : text.slice(0, until) + masked;
  }

  private secretBefore(text: string, end: number): string | undefined {
    const found = this.byEnd.get(text.slice(end - MIN_LENGTH, end));
    return found?.find((secret) => text.endsWith(secret, end));
  }

  private index(secret: string): void {
    const end = secret.slice(-MIN_LENGTH);
    const found = this.byEnd.get(end) ?? [];
    if (found.includes(secret)) return;
    found.push(secret);
    found.sort((a, b) => b.length - a.length);
    this.byEnd.set(end, found);
    this.ends[hashBefore(secret, secret.length)] = 1;
  }

  private rebuild(kept: readonly string[]): void {
    this.texts.clear();
    this.byEnd = new Map();
    this.ends.fill(0);
    this.add([...this.own, ...kept]);
  }
}

/** As it is, and as it looks inside JSON and URLs. */
function formsOf(text: string): Set<string> {
  return new Set([text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())]);
}

/** Of three of the last characters; in ordinary text few positions have a hash that some secret has. */
function hashBefore(text: string, end: number): number {
  const hash = text.charCodeAt(end - 1) + 31 * text.charCodeAt(end - 3) + 997 * text.charCodeAt(end - 6);
  return hash & (BUCKETS - 1);
}
