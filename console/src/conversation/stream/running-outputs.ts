import { excerpt } from '../events/long-text.js';

/** What a command has printed so far: its last part. */
export interface RunningOutput {
  readonly text: string;
  /** About how many characters are left out before the text. */
  readonly leftOut: number;
}

/** A terminal that is followed shows its last lines; the result of the call has more. */
const MAX_LINES = 200;
const MAX_CHARACTERS = 64_000;
/** Calls whose output is kept. More than these do not run at once. */
const MAX_CALLS = 32;

/** Puts the pieces of what running commands print together, by the action. Bounded. */
export class RunningOutputs {
  private readonly outputs = new Map<string, RunningOutput & { end: number }>();

  get byAction(): ReadonlyMap<string, RunningOutput> {
    return new Map(this.outputs);
  }

  /** Takes a frame of the session socket. @returns whether it was about the output of a command */
  take(frame: Record<string, unknown>): boolean {
    const { type, action_id: id, offset, text } = frame;
    if (type !== 'output') return false;
    if (typeof id === 'string' && typeof offset === 'number' && typeof text === 'string')
      this.add(id, offset, text);
    return true;
  }

  /** The action has its result. */
  settle(actionId: unknown): void {
    if (typeof actionId === 'string') this.outputs.delete(actionId);
  }

  private add(id: string, offset: number, piece: string): void {
    const before = this.outputs.get(id) ?? { text: '', leftOut: 0, end: 0 };
    const end = offset + piece.length;
    // After a reconnect the server repeats the last part.
    if (end <= before.end) return;
    const isGap = offset > before.end;
    const text = isGap ? piece : before.text + piece.slice(before.end - offset);
    const shown = lastLines(text);
    // The newest is the last: the oldest leaves first.
    this.outputs.delete(id);
    this.outputs.set(id, { text: shown, leftOut: end - shown.length, end });
    const [oldest] = this.outputs.keys();
    if (this.outputs.size > MAX_CALLS && oldest !== undefined) this.outputs.delete(oldest);
  }
}

/** The last lines. A progress bar is one line: of a long one, the last of its states are kept. */
function lastLines(text: string): string {
  const part = excerpt(text, MAX_LINES, MAX_CHARACTERS, 'end').text;
  if (part.length === text.length || text[text.length - part.length - 1] === '\n') return part;
  return part.slice(part.search(/[\r\n]/) + 1);
}
