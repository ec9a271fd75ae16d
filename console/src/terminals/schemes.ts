import { computed, signal } from '@preact/signals';
import type { ITheme } from '@xterm/xterm';
import { isDark } from '../shell/theme.js';
import { keep, readKept } from '../ui/kept.js';

const NAME = 'terminal-scheme';

/** The scheme that is light or dark as the page is. */
const AS_PAGE = 'As the page';
/** Colours of terminals, by the name that people choose. */
const SCHEMES: Readonly<Record<string, ITheme>> = {
  Dark: { background: '#11141a', foreground: '#e7e9ee', cursor: '#84aaff', selectionBackground: '#33466e' },
  Light: {
    ...{ background: '#ffffff', foreground: '#1a1e26', cursor: '#2457d6', selectionBackground: '#c9d8fb' },
    ...{ black: '#1a1e26', red: '#b3261e', green: '#14703f', yellow: '#8a5300', blue: '#2457d6' },
    ...{
      magenta: '#8b3fc4',
      cyan: '#0b6e8a',
      white: '#59616e',
      brightBlack: '#626a77',
      brightRed: '#c8362d',
    },
    ...{ brightGreen: '#1c8a50', brightYellow: '#a86500', brightBlue: '#3a6bea', brightMagenta: '#9d55d6' },
    ...{ brightCyan: '#1585a5', brightWhite: '#3a414d' },
  },
  'High contrast': {
    ...{ background: '#000000', foreground: '#ffffff', cursor: '#ffff00', selectionBackground: '#4d4d00' },
  },
};

/** What people can choose. */
export const SCHEME_NAMES: readonly string[] = [AS_PAGE, ...Object.keys(SCHEMES)];

/** The name of the chosen scheme. */
export const schemeName = signal(known(readKept(NAME)));

/** The colours of the chosen scheme. */
export const scheme = computed<ITheme>(
  () => SCHEMES[schemeName.value] ?? SCHEMES[isDark.value ? 'Dark' : 'Light'] ?? {},
);

/** Chooses a scheme and remembers it. */
export function setScheme(name: string): void {
  schemeName.value = known(name);
  keep(NAME, schemeName.peek());
}

function known(name: string | null): string {
  return name !== null && SCHEME_NAMES.includes(name) ? name : AS_PAGE;
}
