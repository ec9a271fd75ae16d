import { signal, type Signal } from '@preact/signals';
import { newId } from '../../api/new-id.js';
import { keep, keptNames, readKept } from '../../ui/kept.js';

const PREFIX = 'draft.';
/** Longer drafts are not kept: the storage of the browser is small. */
const MAX_KEPT = 200_000;
/** Most drafts that are kept; which ones go first does not matter. */
const MAX_DRAFTS = 100;
const SAVE_MS = 300;

/** A message that was sent without an answer: the same attempt may be repeated. */
interface Attempt {
  key: string;
  /** What was sent. Something else needs another key. */
  content: string;
}

/** The message that a person writes in a conversation. It is kept in the browser until it is sent. */
export class Draft {
  readonly text: Signal<string>;
  private attempt: Attempt | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly conversationId: string) {
    const kept = readDraft(conversationId);
    this.text = signal(kept.text);
    this.attempt = kept.attempt;
  }

  /** Changes the text. */
  set(text: string): void {
    this.text.value = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), SAVE_MS);
  }

  /** The `Idempotency-Key` for this content: the same for the same content, until it was stored. */
  keyFor(content: string): string {
    if (this.attempt?.content !== content) this.attempt = { key: newId(), content };
    this.save();
    return this.attempt.key;
  }

  /** The message was stored. What was written meanwhile stays. */
  sent(text: string): void {
    this.attempt = undefined;
    if (this.text.peek() === text) this.text.value = '';
    this.save();
  }

  /** Keeps the present state at once. */
  save(): void {
    clearTimeout(this.timer);
    const text = this.text.peek();
    const name = PREFIX + this.conversationId;
    if (text === '' || text.length > MAX_KEPT) return keep(name, null);
    const kept = keptNames(PREFIX);
    if (!kept.includes(name) && kept[0] !== undefined && kept.length >= MAX_DRAFTS) keep(kept[0], null);
    // Images are not kept, so an attempt with images is not either.
    const attempt =
      this.attempt !== undefined && this.attempt.content.length < MAX_KEPT ? this.attempt : undefined;
    keep(name, JSON.stringify({ text, attempt }));
  }
}

/** Removes the draft of a conversation that was deleted. */
export function forgetDraft(conversationId: string): void {
  keep(PREFIX + conversationId, null);
}

function readDraft(conversationId: string): { text: string; attempt?: Attempt } {
  try {
    const kept = JSON.parse(readKept(PREFIX + conversationId) ?? '{}') as {
      text?: unknown;
      attempt?: Attempt;
    };
    return { text: typeof kept.text === 'string' ? kept.text : '', attempt: kept.attempt };
  } catch {
    return { text: '' };
  }
}
