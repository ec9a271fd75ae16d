import type { LlmDelta } from '../request/llm-request.js';
import { CALL_START } from './call-text.js';

/**
 * Lets the words of a prompted model through while it writes, and not the call behind them: whoever watches a
 * native model is not shown its calls in pieces either. What may be the beginning of a call is held back
 * until it is clear.
 */
export class CallTextFilter {
  private held = '';
  private inCall = false;

  constructor(private readonly show: (delta: LlmDelta) => void) {}

  /** A piece of the answer. */
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

  /** The attempt failed: another one begins. */
  reset(): void {
    this.held = '';
    this.inCall = false;
  }

  /** The answer is over: what was held back was no call. */
  end(): void {
    if (this.held !== '') this.show({ kind: 'text', content: this.held });
    this.held = '';
  }
}

/** How many characters at the end may be the beginning of a call. */
function partialStartLength(text: string): number {
  for (let length = Math.min(CALL_START.length - 1, text.length); length > 0; length--) {
    if (CALL_START.startsWith(text.slice(-length))) return length;
  }
  return 0;
}
