/** Scalars up to this length may be complete arguments; longer ones are not sent. */
const MAX_SCALAR = 32;

/**
 * Detects whether JSON text that arrives in pieces is complete. Each character is read once, because a stream
 * may ask after each of a hundred thousand pieces.
 */
export class JsonProgress {
  /** Pieces that were not read yet. */
  private pieces: string[] = [];
  private depth = 0;
  private inString = false;
  private isEscaped = false;
  /** `closed`: the brackets are balanced, but the text was not parsed yet. */
  private state: 'empty' | 'scalar' | 'open' | 'closed' | 'whole' | 'broken' = 'empty';

  add(piece: string): void {
    this.pieces.push(piece);
  }

  /** @param text returns all pieces joined */
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
