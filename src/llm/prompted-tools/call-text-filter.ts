import type { LlmDelta } from '../request/llm-request.js';
import { CALL_START } from './call-text.js';

/**
 * Forwards the text of a prompted model's stream without the call at its end, because clients do not see
 * calls of native models as text either. Text that may be the start of a call is held back until that is
 * clear.
 */
export class CallTextFilter {
  private held = '';
  private inCall = false;

  constructor(private readonly show: (delta: LlmDelta) => void) {}

  /** Adds a piece of the answer. */
  add(delta: LlmDelta): void {
    if (delta.kind !== 'text') return this.show(delta);
    if (this.inCall) return;
    const text = this.held + delta.content;
    const start = text.indexOf(CALL_START);
    this.inCall = start >= 0;
    const clear = this.inCall ? start : text.length - partialStartLength(text);
    this.held = this.inCall ? '' : text.slice(clear);
    if (clear > 0) this.show({ ...delta, content: text.slice(0, clear) });
  }

  /** Resets the filter for another attempt. */
  reset(): void {
    this.held = '';
    this.inCall = false;
  }

  /** Emits the text that was held back, because the answer is complete. */
  end(): void {
    if (this.held !== '') this.show({ kind: 'text', content: this.held });
    this.held = '';
  }
}

/** Length of the end of the text that may be the start of a call. */
function partialStartLength(text: string): number {
  for (let length = Math.min(CALL_START.length - 1, text.length); length > 0; length--) {
    if (CALL_START.startsWith(text.slice(-length))) return length;
  }
  return 0;
}
