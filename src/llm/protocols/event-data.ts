/** Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): only their data counts here. */
export class EventData {
  private readonly decoder = new TextDecoder();
  private rest = '';
  private data: string | undefined;

  /** Takes in bytes that are cut anywhere; answers with the data of the events that are whole now. */
  read(bytes: Uint8Array): string[] {
    const text = this.rest + this.decoder.decode(bytes, { stream: true });
    const whole = text.includes('\r') ? withLineFeeds(text) : text;
    const events: string[] = [];
    let start = 0;
    for (let end = whole.indexOf('\n'); end !== -1; end = whole.indexOf('\n', start)) {
      this.take(whole.slice(start, end), events);
      start = end + 1;
    }
    this.rest = whole.slice(start);
    return events;
  }

  private take(line: string, events: string[]): void {
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

/** One at the very end stays: it may be the first half of a line's end. */
function withLineFeeds(text: string): string {
  return text.replaceAll(/\r\n|\r(?!$)/g, '\n');
}
