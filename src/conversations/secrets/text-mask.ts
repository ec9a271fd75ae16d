import { TextPatterns } from '../../text/index.js';

/** Replaces a secret value. */
export const HIDDEN = '<secret-hidden>';

/** Words of multi-line values that are at least this long (characters) are masked on their own. */
const MIN_PART_LENGTH = 20;
/** Maximum number of such words of one value. */
const MAX_PARTS = 5_000;

/** Masks values in texts. */
export class TextMask {
  private readonly patterns: TextPatterns;

  /** @param values blank ones are ignored: they would match everywhere */
  constructor(values: Iterable<string>) {
    const forms = new Set<string>();
    for (const value of values) for (const form of maskedForms(value)) forms.add(form);
    this.patterns = new TextPatterns(forms);
  }

  /** The length of the longest text that is masked (UTF-16 units). */
  get longest(): number {
    return this.patterns.longest;
  }

  mask(text: string): string {
    let masked = '';
    let at = 0;
    for (const { start, end } of this.patterns.find(text)) {
      masked += text.slice(at, start) + HIDDEN;
      at = end;
    }
    return at === 0 ? text : masked + text.slice(at);
  }

  /**
   * Splits the beginning of a longer text: `ready` is masked and final, `rest` may be the beginning of a
   * secret.
   */
  split(text: string): { ready: string; rest: string } {
    const open = this.patterns.openEnds(text);
    let passed = 0;
    const openFrom = (at: number): number => {
      while ((open[passed] ?? text.length) < at) passed += 1;
      return open[passed] ?? text.length;
    };
    let ready = '';
    let at = 0;
    for (const { start, end } of this.patterns.find(text)) {
      // A match that starts here or before may continue in the next chunk.
      if (openFrom(at) <= start) break;
      ready += text.slice(at, start) + HIDDEN;
      at = end;
    }
    const held = openFrom(at);
    return { ready: ready + text.slice(at, held), rest: text.slice(held) };
  }
}

/** The forms in which a value may occur in a text; none for a blank value. */
function maskedForms(value: string): string[] {
  // Files and lines of output may contain the value without its final line break.
  const bare = value.trim();
  if (bare === '') return [];
  return [value, bare, JSON.stringify(bare).slice(1, -1), ...longWords(bare)];
}

/**
 * The long words of a multi-line value (a key, a configuration), which may occur one by one or with line
 * numbers in between. Short words are left out: they occur in many other places.
 */
function longWords(value: string): string[] {
  if (!value.includes('\n')) return [];
  const words = value.split(/\s+/).filter((word) => word.length >= MIN_PART_LENGTH);
  return words.slice(0, MAX_PARTS);
}

/** Masks secrets in a stream of text: what may be the beginning of a secret is held until the next chunk. */
export class StreamMask {
  private held = '';

  /** @param mask returns the current mask: secrets may be added during a stream */
  constructor(private readonly mask: () => TextMask) {}

  /** The length of the longest text that is masked (UTF-16 units). */
  get longest(): number {
    return this.mask().longest;
  }

  /** Returns the masked text that is final. */
  write(chunk: string): string {
    const { ready, rest } = this.mask().split(this.held + chunk);
    this.held = rest;
    return ready;
  }

  /** Returns the masked rest at the end of the stream. */
  end(): string {
    const rest = this.mask().mask(this.held);
    this.held = '';
    return rest;
  }
}
