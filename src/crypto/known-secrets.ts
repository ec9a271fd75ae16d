import { addRange, TextPatterns } from '../text/index.js';
import { MASK } from './mask.js';

/** Shorter texts are left alone: they stand in ordinary words, too. */
const MIN_LENGTH = 6;
/** So many are known at the same time; beyond it the half that was seen last stays. */
const MAX_TEXTS = 10_000;
/** How long they may be together (UTF-16 units), which bounds the memory for them. */
const MAX_TOTAL_LENGTH = 1024 * 1024;
/** What is longer stands in no address. */
const MAX_IN_ADDRESS = 8 * 1024;

/**
 * The secrets that this server has in its hands at the moment: its own keys and those of conversations. What
 * is written for people is freed of them here, whatever way a secret took to get there. This is the last line
 * of defence: each part takes care not to tell secrets in the first place.
 */
export class KnownSecrets {
  /** In the order in which they were seen last. */
  private readonly texts = new Set<string>();
  /** How long they are together. */
  private length = 0;
  /** Each is at least four times as long as the next, so that few of them are built anew for a new secret. */
  private groups: Group[] = [];
  /** New ones that are in no group yet. */
  private added: string[] = [];

  /** @param own secrets of the configuration */
  constructor(private readonly own: readonly string[] = []) {
    this.add(own);
  }

  /** These are secrets from now on. */
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

  /** The text with `**********` in place of each secret. */
  mask(text: string): string {
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

  /** Those that were seen last stay, half of what there may be, and what is the server's own. */
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

/** Secrets that one search looks for. */
interface Group {
  texts: string[];
  patterns: TextPatterns;
}

function lengthOf(texts: Iterable<string>): number {
  let length = 0;
  for (const text of texts) length += text.length;
  return length;
}

/** As it is, and as it looks inside JSON and URLs. */
function formsOf(text: string): string[] {
  const forms = [text, JSON.stringify(text).slice(1, -1)];
  return text.length > MAX_IN_ADDRESS ? forms : [...forms, encodeURIComponent(text.toWellFormed())];
}
