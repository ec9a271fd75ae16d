import { signal } from '@preact/signals';
import { keep, readKept } from '../../ui/kept.js';

const NAME = 'enter-sends';

/** Whether Enter alone sends a message. Ctrl or Cmd with Enter always does. */
export const enterSends = signal(readKept(NAME) !== 'no');

/** Chooses it and remembers it. */
export function setEnterSends(sends: boolean): void {
  enterSends.value = sends;
  keep(NAME, sends ? null : 'no');
}
