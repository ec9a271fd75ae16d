import { TextPatterns } from '../../text/index.js';

/** What stands in place of a secret value. */
export const HIDDEN = '<secret-hidden>';

/** A part of a value of several lines is a secret of its own from this length on (characters). */
const MIN_PART_LENGTH = 20;
/** How many such parts of one value are hidden. */
const MAX_PARTS = 5_000;

/** Hides values in texts, whole ones and ones that come in pieces. */
export class TextMask {
  private readonly patterns: TextPatterns;

  /** @param values blank ones are passed over: they would hide everything */
  constructor(values: Iterable<string>) {
    const wanted = new Set<string>();
    for (const value of values) for (const form of maskedForms(value)) wanted.add(form);
    this.patterns = new TextPatterns(wanted);
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
   * Takes from the front of a text what is sure to be complete: masked, and the rest, which may be the
   * beginning of a secret.
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
      // What begins here, or before, may go on behind the text.
      if (openFrom(at) <= start) break;
      ready += text.slice(at, start) + HIDDEN;
      at = end;
    }
    const held = openFrom(at);
    return { ready: ready + text.slice(at, held), rest: text.slice(held) };
  }
}

/** How a value may stand in a text; nothing of a blank one. */
function maskedForms(value: string): string[] {
  // A file or a line of output has it without the line end that it was given with.
  const bare = value.trim();
  if (bare === '') return [];
  return [value, bare, JSON.stringify(bare).slice(1, -1), ...longWords(bare)];
}

/**
 * What has to be hidden of a value of several lines (a key, a configuration) where they do not stand
 * together: with numbers before them, or one alone. Short words are not: they stand in many other places.
 */
function longWords(value: string): string[] {
  if (!value.includes('\n')) return [];
  const words = value.split(/\s+/).filter((word) => word.length >= MIN_PART_LENGTH);
  return words.slice(0, MAX_PARTS);
}

/**
 * Hides secrets in a text that comes in pieces: what may be the beginning of one waits for the next piece.
 */
export class StreamMask {
  private held = '';

  /** @param mask the one of the moment: secrets come while a stream goes on */
  constructor(private readonly mask: () => TextMask) {}

  /** What can be shown now. */
  write(piece: string): string {
    const { ready, rest } = this.mask().split(this.held + piece);
    this.held = rest;
    return ready;
  }

  /** The rest, when nothing more comes. */
  end(): string {
    const rest = this.mask().mask(this.held);
    this.held = '';
    return rest;
  }
}
