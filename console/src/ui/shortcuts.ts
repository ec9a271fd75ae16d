import { signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext, useEffect, useRef } from 'preact/hooks';

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

/** The dialogs around a component: 0 in the page itself. Set by `Dialog`. */
export const Layer = createContext(0);

const SEQUENCE_MS = 1000;
const STORAGE_NAME = 'agent-server-console.single-keys';

/** Commands of a component and its layer. */
interface Registration {
  layer: number;
  commands: readonly Command[];
}

const registered = signal<readonly Registration[]>([]);
/** Layers of the open dialogs: keys belong to the topmost one. */
const openLayers: number[] = [];
let pending: { key: string; at: number } | undefined;

/**
 * Whether keys without Ctrl or Alt do something. They disturb people who speak to their computer, so they can
 * be switched off.
 */
export const singleKeys = signal(readSingleKeys());

/** Switches keys without Ctrl or Alt on or off, and remembers it. */
export function setSingleKeys(isOn: boolean): void {
  singleKeys.value = isOn;
  try {
    localStorage.setItem(STORAGE_NAME, isOn ? 'on' : 'off');
  } catch {
    // It holds until the page is left.
  }
}

/** Registers commands while the component is shown. Later ones win over earlier ones with the same keys. */
export function useCommands(commands: readonly Command[]): void {
  const layer = useContext(Layer);
  const latest = useRef(commands);
  latest.current = commands;
  useEffect(() => {
    // Stable objects that call the latest version, so that a new render registers nothing anew.
    const stable = commands.map((command, index) => ({
      ...command,
      run: () => latest.current[index]?.run(),
    }));
    const registration = { layer, commands: stable };
    registered.value = [...registered.peek(), registration];
    return () => {
      registered.value = registered.peek().filter((entry) => entry !== registration);
    };
  }, [commands.map(({ keys, label }) => `${keys} ${label}`).join('\n')]);
}

/** All commands of what the page shows (not those of dialogs), the most special first. */
export function allCommands(): Command[] {
  return commandsOf(0);
}

/** The layer of the topmost dialog; 0 if there is none. */
export function topLayer(): number {
  return Math.max(0, ...openLayers);
}

/** Called when a dialog opens. @returns a function to call when it closes */
export function openLayer(layer: number): () => void {
  openLayers.push(layer);
  pending = undefined;
  return () => {
    openLayers.splice(openLayers.indexOf(layer), 1);
  };
}

/** Listens for keys. Call it once. */
export function listenForKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || isModifier(event.key)) return;
    const inField = isField(event);
    const key = nameOf(event);
    const now = performance.now();
    const sequence = pending && now - pending.at < SEQUENCE_MS ? `${pending.key} ${key}` : undefined;
    pending = undefined;
    const usable = commandsOf(topLayer()).filter(
      ({ keys, inFields }) =>
        keys !== undefined && (!inField || inFields === true) && (singleKeys.peek() || isCombined(keys)),
    );
    const command =
      (sequence === undefined ? undefined : usable.find(({ keys }) => keys === sequence)) ??
      usable.find(({ keys }) => keys === key);
    if (command !== undefined) {
      event.preventDefault();
      command.run();
    } else if (usable.some(({ keys }) => keys?.startsWith(`${key} `))) pending = { key, at: now };
  });
  // What is typed after a click begins anew.
  addEventListener('pointerdown', () => {
    pending = undefined;
  });
}

function commandsOf(layer: number): Command[] {
  return registered.value
    .filter((entry) => entry.layer === layer)
    .toReversed()
    .flatMap(({ commands }) => commands);
}

/** `escape` is no character. */
function isCombined(keys: string): boolean {
  return /^(mod|alt)\+|^escape$/.test(keys);
}

function isModifier(key: string): boolean {
  return ['Shift', 'Control', 'Alt', 'Meta', 'AltGraph'].includes(key);
}

/** Inputs that take no text. */
const PRESSED = new Set(['checkbox', 'radio', 'button', 'submit', 'reset', 'file', 'image', 'color']);

/** Whether the key belongs to the control that has the focus. */
function isField({ target, key }: KeyboardEvent): boolean {
  if (target instanceof HTMLInputElement) {
    return !PRESSED.has(target.type) || (target.type === 'radio' && key.startsWith('Arrow'));
  }
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLElement && target.isContentEditable)
  );
}

function nameOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase().replace('arrow', '');
  const isLetter = /^[a-z]$/.test(key) || event.key.length > 1;
  // Ctrl and Alt together are AltGr on some systems, which types characters.
  const isAltGr = event.getModifierState('AltGraph');
  return [
    !isAltGr && (event.ctrlKey || event.metaKey) ? 'mod+' : '',
    !isAltGr && event.altKey ? 'alt+' : '',
    // `?` and `/` are typed with shift on some keyboards.
    event.shiftKey && isLetter ? 'shift+' : '',
    key,
  ].join('');
}

function readSingleKeys(): boolean {
  try {
    return localStorage.getItem(STORAGE_NAME) !== 'off';
  } catch {
    return true;
  }
}
