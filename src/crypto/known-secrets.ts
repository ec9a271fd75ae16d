import { addRange, TextPatterns } from '../text/index.js';
import { MASK } from './mask.js';
import { maskNamedKeys } from './named-key.js';

/** Shorter texts are not masked: they occur in ordinary words. */
const MIN_LENGTH = 6;
/** Maximum number of secrets; beyond it only the most recent half is kept. */
const MAX_TEXTS = 10_000;
/** Maximum length of all secrets (UTF-16 units), which bounds their memory. */
const MAX_TOTAL_LENGTH = 1024 * 1024;
/** Longer secrets are not searched for in their URL-encoded form. */
const MAX_IN_ADDRESS = 8 * 1024;

/**
 * The secrets that this server currently knows: its own keys and those of conversations. Masks them in output
 * for people. This is the last line of defence: each part must avoid revealing secrets itself.
 */
export class KnownSecrets {
  /** The least recently seen first. */
  private readonly texts = new Set<string>();
  /** Length of all of them. */
  private length = 0;
  /** Each is at least four times as long as the next, so that a new secret rebuilds few of them. */
  private groups: Group[] = [];
  /** New secrets that are in no group yet. */
  private added: string[] = [];

  /** @param own secrets of the configuration */
  constructor(private readonly own: readonly string[] = []) {
    this.add(own);
  }

  /** Adds secrets. */
  add(texts: Iterable<string>): void {
    for (const text of texts) {
      if (text.length < MIN_LENGTH) continue;
      const isNew = !this.texts.delete(text);
      this.texts.add(text);
      if (!isNew) continue;
      this.length += text.length;
      this.added.push(text);
    }
    if (this.texts.size > MAX_TEXTS || this.length > MAX_TOTAL_LENGTH) this.forgetOlder();
  }

  /** Replaces each secret in a text by `**********`, those of named keys without knowing them. */
  mask(given: string): string {
    const text = maskNamedKeys(given);
    if (this.added.length > 0) this.group();
    const found = this.groups.flatMap(({ patterns }) => patterns.cover(text));
    if (found.length === 0) return text;
    const ranges: typeof found = [];
    for (const range of found.sort((a, b) => a.start - b.start)) addRange(ranges, range);
    let masked = '';
    let at = 0;
    for (const { start, end } of ranges) {
      masked += text.slice(at, start) + MASK;
      at = end;
    }
    return masked + text.slice(at);
  }

  private group(): void {
    let texts = this.added;
    this.added = [];
    for (
      let last = this.groups.at(-1);
      last && lengthOf(last.texts) < 4 * lengthOf(texts);
      last = this.groups.at(-1)
    ) {
      texts = [...last.texts, ...texts];
      this.groups.pop();
    }
    this.groups.push({ texts, patterns: new TextPatterns(texts.flatMap(formsOf)) });
  }

  /** Keeps the most recent secrets, half of the maximum, and the server's own. */
  private forgetOlder(): void {
    const kept: string[] = [];
    let length = 0;
    for (const text of [...this.texts].reverse()) {
      length += text.length;
      if (kept.length >= MAX_TEXTS / 2 || length > MAX_TOTAL_LENGTH / 2) break;
      kept.push(text);
    }
    const all = new Set([...this.own.filter((text) => text.length >= MIN_LENGTH), ...kept.reverse()]);
    this.texts.clear();
    for (const text of all) this.texts.add(text);
    this.length = lengthOf(all);
    this.groups = [];
    this.added = [...all];
  }
}

/** Secrets that share an automaton. */
interface Group {
  texts: string[];
  patterns: TextPatterns;
}

function lengthOf(texts: Iterable<string>): number {
  let length = 0;
  for (const text of texts) length += text.length;
  return length;
}

/** A secret as it is, and as it is written in JSON and URLs. */
function formsOf(text: string): string[] {
  const forms = [text, JSON.stringify(text).slice(1, -1)];
  return text.length > MAX_IN_ADDRESS ? forms : [...forms, encodeURIComponent(text.toWellFormed())];
}
