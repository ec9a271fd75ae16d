import { signal } from '@preact/signals';
import { Button } from './button.js';

const SHOWN_MS = 8_000;
const MAX_TOASTS = 4;

/** A short message at the edge of the page. */
interface Toast {
  id: number;
  text: string;
  kind: 'info' | 'error';
  action?: { label: string; run: () => void };
}

const toasts = signal<readonly Toast[]>([]);
let count = 0;

/** Shows a message for some seconds. @returns a function that removes it */
export function showToast(
  text: string,
  {
    kind = 'info',
    action,
    ms = SHOWN_MS,
  }: { kind?: Toast['kind']; action?: Toast['action']; ms?: number } = {},
): () => void {
  const id = ++count;
  const remove = (): void => {
    clearTimeout(timer);
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  };
  const timer = setTimeout(remove, ms);
  toasts.value = [...toasts.value.slice(1 - MAX_TOASTS), { id, text, kind, action }];
  return remove;
}

/** Where messages appear. Once in the page. */
export function Toasts() {
  return (
    <div class="toasts" aria-live="polite">
      {toasts.value.map(({ id, text, kind, action }) => (
        <div key={id} class={`toast ${kind}`} role={kind === 'error' ? 'alert' : undefined}>
          <span>{text}</span>
          {action && (
            <Button
              kind="quiet"
              onClick={() => {
                toasts.value = toasts.value.filter((toast) => toast.id !== id);
                action.run();
              }}
            >
              {action.label}
            </Button>
          )}
        </div>
      ))}
    </div>
  );
}
