import { signal } from '@preact/signals';
import { Button } from './button.js';
import { Icon } from './icon.js';

const SHOWN_MS = 8_000;
const MAX_TOASTS = 4;

/** A short message at the edge of the page. */
interface Toast {
  id: number;
  text: string;
  kind: 'info' | 'error';
  action?: { label: string; run: () => void };
  /** When it goes away (ms), and what is left of its time while somebody points at it. */
  ms: number;
}

const toasts = signal<readonly Toast[]>([]);
const timers = new Map<number, ReturnType<typeof setTimeout>>();
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
  // The same message twice says nothing new.
  const same = toasts.peek().find((toast) => toast.text === text && toast.action === undefined);
  if (same !== undefined && action === undefined) remove(same.id);
  const id = ++count;
  const shown = [...toasts.peek(), { id, text, kind, action, ms }];
  for (const { id: old } of shown.slice(0, -MAX_TOASTS)) clearTimeout(timers.get(old));
  toasts.value = shown.slice(-MAX_TOASTS);
  startTimers();
  return () => remove(id);
}

function remove(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  toasts.value = toasts.peek().filter((toast) => toast.id !== id);
}

/** Messages stay while somebody points at them or has the focus in them. */
function stopTimers(): void {
  for (const timer of timers.values()) clearTimeout(timer);
  timers.clear();
}

function startTimers(): void {
  for (const { id, ms } of toasts.peek()) {
    if (!timers.has(id))
      timers.set(
        id,
        setTimeout(() => remove(id), ms),
      );
  }
}

/** Where messages appear. Once in the page. */
export function Toasts() {
  return (
    <div
      class="toasts"
      role="region"
      aria-label="Messages"
      aria-live="polite"
      onMouseEnter={stopTimers}
      onMouseLeave={startTimers}
      onFocusIn={stopTimers}
      onFocusOut={startTimers}
    >
      {toasts.value.map(({ id, text, kind, action }) => (
        <div key={id} class={`toast ${kind}`}>
          <span>{text}</span>
          {action && (
            <Button
              kind="quiet"
              onClick={() => {
                remove(id);
                action.run();
              }}
            >
              {action.label}
            </Button>
          )}
          <Button kind="quiet" square aria-label="Close the message" onClick={() => remove(id)}>
            <Icon name="close" />
          </Button>
        </div>
      ))}
    </div>
  );
}
