import { computed, signal } from '@preact/signals';

const NAME = 'agent-server-console.theme';

/** `system` follows the settings of the device. */
export type Theme = 'system' | 'light' | 'dark';

/** The theme that the person has chosen in this browser. */
export const theme = signal<Theme>(readKept());

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
const isSystemDark = signal(systemIsDark.matches);
systemIsDark.addEventListener('change', ({ matches }) => (isSystemDark.value = matches));

/** Whether the page is dark now. */
export const isDark = computed(() =>
  theme.value === 'system' ? isSystemDark.value : theme.value === 'dark',
);

/** Shows the page in the chosen theme. */
export function applyTheme(): void {
  if (theme.value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
}

/** Chooses a theme and remembers it. */
export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  applyTheme();
  try {
    localStorage.setItem(NAME, chosen);
  } catch {
    // It holds until the page is left.
  }
}

function readKept(): Theme {
  try {
    const kept = localStorage.getItem(NAME);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system';
  }
}
