/** The arguments up to the message. Other fields before it must be strings. */
const PREFIX = /^\s*\{(?:\s*"(?!message")[^"\\]*"\s*:\s*"(?:[^"\\]|\\.)*"\s*,)*\s*"message"\s*:\s*"/;
/** Arguments whose message has not begun after so many characters are not streamed. */
const MAX_PREFIX = 4096;
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Extracts the message of a `finish` call from its arguments while the model writes them. */
export class FinishMessage {
  /** What has not been parsed yet. */
  private rest = '';
  private state: 'before' | 'inside' | 'after' = 'before';

  /** Adds a chunk of the arguments. Returns what it adds to the message; invalid JSON adds nothing. */
  add(chunk: string): string {
    if (this.state === 'after') return '';
    this.rest += chunk;
    if (this.state === 'before' && !this.skipPrefix()) return '';
    return this.read();
  }

  private skipPrefix(): boolean {
    const [prefix] = PREFIX.exec(this.rest.slice(0, MAX_PREFIX)) ?? [];
    if (prefix !== undefined) {
      this.rest = this.rest.slice(prefix.length);
      this.state = 'inside';
    } else if (this.rest.length > MAX_PREFIX) {
      this.state = 'after';
      this.rest = '';
    }
    return prefix !== undefined;
  }

  private read(): string {
    let text = '';
    let at = 0;
    while (at < this.rest.length) {
      if (this.rest[at] === '"') {
        this.state = 'after';
        break;
      }
      const length = lengthOfCharacter(this.rest, at);
      if (length === undefined || at + length > this.rest.length) break;
      text += unescapeJson(this.rest.slice(at, at + length));
      at += length;
    }
    this.rest = this.state === 'after' ? '' : this.rest.slice(at);
    return text;
  }
}

/** The length in JSON of the next character, surrogate pairs whole; undefined while it is incomplete. */
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
  return at + length > json.length ? undefined : { text: unescapeJson(json.slice(at, at + length)), length };
}

function unescapeJson(json: string): string {
  return json.replaceAll(/\\u[\dA-Fa-f]{4}|\\./gs, (escape) => {
    const letter = escape.slice(1, 2);
    return escape.length === 6
      ? String.fromCharCode(parseInt(escape.slice(2), 16))
      : (ESCAPED[letter] ?? letter);
  });
}
