/** The arguments up to the message: fields before it count where they are texts. */
const BEGINNING = /^\s*\{(?:\s*"(?!message")[^"\\]*"\s*:\s*"(?:[^"\\]|\\.)*"\s*,)*\s*"message"\s*:\s*"/;
/** Arguments that have not come to their message by then are left to the event. */
const MAX_BEGINNING = 4096;
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Reads the message of a `finish` call out of its arguments while the model writes them. */
export class FinishMessage {
  /** What is not read yet. */
  private rest = '';
  private state: 'before' | 'inside' | 'behind' = 'before';

  /** A piece of the arguments. The answer is what it adds to the message; what is no JSON adds nothing. */
  add(piece: string): string {
    if (this.state === 'behind') return '';
    this.rest += piece;
    if (this.state === 'before' && !this.begins()) return '';
    return this.read();
  }

  private begins(): boolean {
    const [beginning] = BEGINNING.exec(this.rest.slice(0, MAX_BEGINNING)) ?? [];
    if (beginning !== undefined) {
      this.rest = this.rest.slice(beginning.length);
      this.state = 'inside';
    } else if (this.rest.length > MAX_BEGINNING) {
      this.state = 'behind';
      this.rest = '';
    }
    return beginning !== undefined;
  }

  private read(): string {
    let text = '';
    let at = 0;
    while (at < this.rest.length) {
      if (this.rest[at] === '"') {
        this.state = 'behind';
        break;
      }
      const length = lengthOfCharacter(this.rest, at);
      if (length === undefined || at + length > this.rest.length) break;
      text += unescaped(this.rest.slice(at, at + length));
      at += length;
    }
    this.rest = this.state === 'behind' ? '' : this.rest.slice(at);
    return text;
  }
}

/**
 * How many characters of JSON the next one of the text takes, both halves of a pair; undefined: it is not
 * there yet.
 */
function lengthOfCharacter(json: string, at: number): number | undefined {
  const first = unitAt(json, at);
  if (first === undefined || !/[\uD800-\uDBFF]/.test(first.text)) return first?.length;
  const second = unitAt(json, at + first.length);
  if (second === undefined) return undefined;
  return /[\uDC00-\uDFFF]/.test(second.text) ? first.length + second.length : first.length;
}

function unitAt(json: string, at: number): { text: string; length: number } | undefined {
  const character = json[at];
  if (character === undefined) return undefined;
  if (character !== '\\') return { text: character, length: 1 };
  const kind = json[at + 1];
  if (kind === undefined) return undefined;
  const length = kind === 'u' ? 6 : 2;
  return at + length > json.length ? undefined : { text: unescaped(json.slice(at, at + length)), length };
}

function unescaped(json: string): string {
  return json.replaceAll(/\\u[\dA-Fa-f]{4}|\\./gs, (escape) => {
    const letter = escape.slice(1, 2);
    return escape.length === 6
      ? String.fromCharCode(parseInt(escape.slice(2), 16))
      : (ESCAPED[letter] ?? letter);
  });
}
