import { signal } from '@preact/signals';
import { ApiError } from '../../api/api-error.js';
import type { ConversationRequests, MessageContent } from '../conversation-requests.js';
import { Attachments } from './attachments.js';
import { Draft } from './draft.js';

/** What has become of the last message. */
export type SendOutcome =
  | { kind: 'failed'; error: unknown; run: boolean }
  /** It was stored, and no run could start. */
  | { kind: 'no-run'; error: unknown };

/** The message that is being written in a conversation: its text, its attachments, and sending it. */
export class Composer {
  readonly draft: Draft;
  readonly attachments: Attachments;
  readonly isSending = signal(false);
  /** Undefined: nothing went wrong. */
  readonly outcome = signal<SendOutcome | undefined>(undefined);
  /** Why files were not taken. */
  readonly refusal = signal<string | undefined>(undefined);
  private field: HTMLTextAreaElement | null = null;

  constructor(private readonly requests: ConversationRequests) {
    this.draft = new Draft(requests.id);
    this.attachments = new Attachments(requests.id, (path) => this.insert(path));
  }

  /** The field in which the text is written, while it is shown. */
  bind(field: HTMLTextAreaElement | null): void {
    this.field = field;
  }

  focus(): void {
    this.field?.focus();
  }

  /** Adds a text where the cursor is, apart from what is before it. */
  insert(text: string): void {
    const present = this.draft.text.peek();
    const at = this.field?.selectionStart ?? present.length;
    const before = present.slice(0, at);
    const gap = before === '' || /\s$/.test(before) ? '' : ' ';
    this.draft.set(before + gap + text + present.slice(at));
    this.moveCursor(at + gap.length + text.length);
  }

  /** Adds lines below the text. */
  insertLines(lines: string): void {
    const present = this.draft.text.peek().trimEnd();
    const text = present === '' ? lines : `${present}\n${lines}`;
    this.draft.set(text);
    this.moveCursor(text.length);
    this.focus();
  }

  attach(files: readonly File[]): void {
    this.refusal.value = this.attachments.add(files);
  }

  get canSend(): boolean {
    const isEmpty = this.draft.text.value.trim() === '' && this.attachments.imageUrls.length === 0;
    return !isEmpty && !this.isSending.value && !this.attachments.isLoading;
  }

  /**
   * Sends what was written. A failed message stays, and the same attempt may be repeated.
   * @returns whether it was stored
   */
  async send(run: boolean): Promise<boolean> {
    if (!this.canSend) return false;
    const text = this.draft.text.peek();
    const content = this.content(text);
    this.isSending.value = true;
    this.outcome.value = undefined;
    try {
      await this.requests.send(content, { run, key: this.draft.keyFor(JSON.stringify([content, run])) });
      this.wasStored(text);
      return true;
    } catch (error) {
      // The answer 429 has two meanings: too many wrong keys, or a message that was stored without a run.
      const wasStored =
        error instanceof ApiError && error.status === 429 && error.message.startsWith('Message saved');
      if (wasStored) this.wasStored(text);
      this.outcome.value = wasStored ? { kind: 'no-run', error } : { kind: 'failed', error, run };
      return wasStored;
    } finally {
      this.isSending.value = false;
    }
  }

  /** Keeps the draft when the view is left. */
  close(): void {
    this.draft.save();
    this.attachments.clear();
  }

  private wasStored(text: string): void {
    this.draft.sent(text);
    this.attachments.clear();
  }

  private content(text: string): MessageContent {
    const images = this.attachments.imageUrls;
    return [
      ...(text.trim() === '' ? [] : [{ type: 'text' as const, text, cache_prompt: false }]),
      ...(images.length === 0 ? [] : [{ type: 'image' as const, image_urls: images, cache_prompt: false }]),
    ];
  }

  private moveCursor(to: number): void {
    // After the text was rendered.
    requestAnimationFrame(() => this.field?.setSelectionRange(to, to));
  }
}
