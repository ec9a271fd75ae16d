import { isRecord } from '../../api/api-error.js';

/** Longer answers are shown from here on; the event will have the whole text. */
const MAX_TEXT = 200_000;

/** An answer that the model is writing. */
export interface StreamingItem {
  readonly id: string;
  readonly text: string;
  readonly reasoning: string;
  /** The number of the last event before it. */
  readonly after: number;
}

/** Puts the pieces of unfinished answers together. Answers of which a piece is missing are not shown. */
export class StreamingItems {
  private readonly items = new Map<string, StreamingItem & { order: number }>();

  get list(): StreamingItem[] {
    return [...this.items.values()];
  }

  /** Takes a frame of the session socket. @returns whether it was about an unfinished answer */
  take(frame: Record<string, unknown>): boolean {
    const { type, item_id: id } = frame;
    if (typeof id !== 'string') return false;
    if (type === 'item_started') {
      const { anchor_seq: after } = frame;
      this.items.set(id, {
        id,
        text: '',
        reasoning: '',
        order: 0,
        after: typeof after === 'number' ? after : -1,
      });
      return true;
    }
    if (type === 'item_aborted') return this.items.delete(id);
    if (type !== 'delta') return false;
    this.append(id, frame);
    return true;
  }

  /** An answer of the agent is in the log: its pieces are replaced by it. */
  settle(seq: number): void {
    for (const [id, { after }] of this.items) if (after < seq) this.items.delete(id);
  }

  clear(): void {
    this.items.clear();
  }

  private append(id: string, { order, kind, content }: Record<string, unknown>): void {
    const item = this.items.get(id);
    if (item === undefined || typeof content !== 'string') return;
    if (order !== item.order) {
      this.items.delete(id);
      return;
    }
    const text = kind === 'text' ? item.text + content : item.text;
    const reasoning = kind === 'reasoning' ? item.reasoning + content : item.reasoning;
    this.items.set(id, {
      ...item,
      text: text.slice(-MAX_TEXT),
      reasoning: reasoning.slice(-MAX_TEXT),
      order: item.order + 1,
    });
  }
}

/** A frame of a socket as an object. */
export function asFrame(frame: unknown): Record<string, unknown> {
  return isRecord(frame) ? frame : {};
}
