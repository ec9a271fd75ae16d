import { compact } from '../../ui/numbers.js';
import type { Usage } from '../usage.js';

const NEARLY_FULL = 0.8;

/** How full the context of the model is. */
export function ContextMeter({ usage, onOpen }: { usage: Usage; onOpen: () => void }) {
  const { contextTokens, contextWindow } = usage;
  if (contextTokens === 0) return null;
  if (contextWindow === 0) {
    return (
      <button type="button" class="meta" title="Tokens of the last call. Show the context" onClick={onOpen}>
        {compact(contextTokens)} in context
      </button>
    );
  }
  const part = Math.min(1, contextTokens / contextWindow);
  return (
    <button
      type="button"
      class="meta"
      title={`${contextTokens.toLocaleString()} of ${contextWindow.toLocaleString()} tokens in the context of the model. Show the context`}
      onClick={onOpen}
    >
      <span class={part >= NEARLY_FULL ? 'context-meter full' : 'context-meter'} aria-hidden="true">
        <span style={{ width: `${part * 100}%` }} />
      </span>
      {Math.round(part * 100)}% context
    </button>
  );
}
