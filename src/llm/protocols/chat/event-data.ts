/**
 * Parses server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) and returns only
 * their data.
 */
export class EventData {
  private readonly decoder = new TextDecoder();
  /**
   * The pieces of an incomplete line. They are joined once, so that a long line is not copied with each
   * piece.
   */
  private pieces: string[] = [];
  /** A carriage return at the end of a piece, which may be the first half of a CRLF. */
  private heldReturn = '';
  private data: string | undefined;

  /** Adds bytes, which may be cut anywhere. Returns the data of the completed events. */
  read(bytes: Uint8Array): string[] {
    const text = this.withLineFeeds(this.heldReturn + this.decoder.decode(bytes, { stream: true }));
    const behind = text.lastIndexOf('\n') + 1;
    this.pieces.push(behind === 0 ? text : text.slice(0, behind));
    if (behind === 0) return [];
    const whole = this.pieces.join('');
    this.pieces = [text.slice(behind)];
    const events: string[] = [];
    let start = 0;
    for (let end = whole.indexOf('\n'); end !== -1; end = whole.indexOf('\n', start)) {
      this.readLine(whole.slice(start, end), events);
      start = end + 1;
    }
    return events;
  }

  private withLineFeeds(text: string): string {
    this.heldReturn = text.endsWith('\r') ? '\r' : '';
    const own = this.heldReturn === '' ? text : text.slice(0, -1);
    return own.includes('\r') ? own.replaceAll(/\r\n?/g, '\n') : own;
  }

  private readLine(line: string, events: string[]): void {
    if (line === '') {
      if (this.data !== undefined) events.push(this.data);
      this.data = undefined;
      return;
    }
    if (!line.startsWith('data:')) return;
    const value = line.slice(line[5] === ' ' ? 6 : 5);
    this.data = this.data === undefined ? value : `${this.data}\n${value}`;
  }
}
