import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

/** A key or a sequence of two (`g h`), and what it does. Also an entry of the palette. */
export interface Command {
  /** Such as `j`, `shift+a`, `mod+enter` (Ctrl, on macOS Cmd), `g h`, `?`. Absent: only in the palette. */
  keys?: string;
  label: string;
  /** The heading under which lists show it. */
  group: string;
  run: () => void;
  /** Also while a person types into a field. */
  inFields?: boolean;
}

const SEQUENCE_MS = 1000;
const registered = signal<readonly (readonly Command[])[]>([]);
let pending: { key: string; at: number } | undefined;

/** Registers commands while the component is shown. Later ones win over earlier ones with the same keys. */
export function useCommands(commands: readonly Command[]): void {
  const latest = useRef(commands);
  latest.current = commands;
  useEffect(() => {
    // Stable objects that call the latest version, so that a new render registers nothing anew.
    const stable = commands.map((command, index) => ({
      ...command,
      run: () => latest.current[index]?.run(),
    }));
    registered.value = [...registered.peek(), stable];
    return () => {
      registered.value = registered.peek().filter((entry) => entry !== stable);
    };
  }, [commands.map(({ keys, label }) => `${keys} ${label}`).join('\n')]);
}

/** All commands of what is shown now, the most special first. */
export function allCommands(): Command[] {
  return registered.value.toReversed().flat();
}

/** Listens for keys. Call it once. */
export function listenForKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const inField = isField(event.target);
    if (document.querySelector('dialog[open]') !== null && !inField) return;
    const key = nameOf(event);
    const now = performance.now();
    const sequence = pending && now - pending.at < SEQUENCE_MS ? `${pending.key} ${key}` : undefined;
    pending = undefined;
    const usable = allCommands().filter((command) => !inField || command.inFields === true);
    const command =
      usable.find(({ keys }) => keys !== undefined && keys === sequence) ??
      usable.find(({ keys }) => keys === key);
    if (command !== undefined) {
      event.preventDefault();
      command.run();
    } else if (usable.some(({ keys }) => keys?.startsWith(`${key} `))) pending = { key, at: now };
  });
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLElement && target.isContentEditable)
  );
}

function nameOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase().replace('arrow', '');
  const isLetter = /^[a-z]$/.test(key) || event.key.length > 1;
  return [
    event.ctrlKey || event.metaKey ? 'mod+' : '',
    event.altKey ? 'alt+' : '',
    // `?` and `/` are typed with shift on some keyboards.
    event.shiftKey && isLetter ? 'shift+' : '',
    key,
  ].join('');
}
