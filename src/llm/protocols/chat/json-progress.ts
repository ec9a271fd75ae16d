/** A text, a number or a literal of at most this length may stand for arguments; nobody sends longer ones. */
const MAX_SCALAR = 32;

/**
 * Follows JSON text that comes in pieces: whether what has come is a whole value. Each character is looked at
 * once, because a stream may ask after each of a hundred thousand pieces.
 */
export class JsonProgress {
  /** What nobody has asked about yet. */
  private pieces: string[] = [];
  private depth = 0;
  private inString = false;
  private isEscaped = false;
  /** `closed`: its brackets are; whether it is JSON is not known yet. */
  private state: 'empty' | 'scalar' | 'open' | 'closed' | 'whole' | 'broken' = 'empty';

  add(piece: string): void {
    this.pieces.push(piece);
  }

  /** @param text all pieces together */
  isComplete(text: () => string): boolean {
    for (const piece of this.pieces) this.read(piece);
    this.pieces = [];
    if (this.state === 'closed') this.state = isJson(text()) ? 'whole' : 'broken';
    if (this.state !== 'scalar') return this.state === 'whole';
    const scalar = text();
    return scalar.length <= MAX_SCALAR && isJson(scalar);
  }

  private read(piece: string): void {
    for (const character of piece) {
      if (this.state === 'broken' || this.state === 'scalar') return;
      this.readCharacter(character);
    }
  }

  private readCharacter(character: string): void {
    if (this.inString) {
      if (this.isEscaped) this.isEscaped = false;
      else if (character === '\\') this.isEscaped = true;
      else if (character === '"') this.inString = false;
      return;
    }
    if (' \t\r\n'.includes(character)) return;
    if (this.state === 'closed' || this.state === 'whole') this.state = 'broken';
    else if ('[{'.includes(character)) {
      this.state = 'open';
      this.depth += 1;
    } else if (this.state === 'empty') this.state = 'scalar';
    else if (character === '"') this.inString = true;
    else if (']}'.includes(character)) {
      this.depth -= 1;
      if (this.depth === 0) this.state = 'closed';
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
