import { forgetKey, sessionKey } from '../api/session-key.js';
import { navigate } from '../routing/address.js';
import { Button } from '../ui/button.js';
import { Icon, type IconName } from '../ui/icon.js';
import { useCommands } from '../ui/shortcuts.js';
import { showShortcuts } from './shortcut-list.js';
import { setTheme, theme, type Theme } from './theme.js';

const ENTRIES: readonly { name: string; label: string; to: string; icon: IconName; keys: string }[] = [
  { name: 'home', label: 'Conversations', to: './', icon: 'list', keys: 'g h' },
  { name: 'new', label: 'New conversation', to: 'new', icon: 'plus', keys: 'c' },
  { name: 'server', label: 'Server', to: 'server', icon: 'server', keys: 'g s' },
  { name: 'settings', label: 'Settings', to: 'settings', icon: 'settings', keys: 'g t' },
];
const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

/** The navigation of the console. */
export function Sidebar({ current }: { current: string }) {
  useCommands([
    ...ENTRIES.map(({ label, to, keys }) => ({ label, keys, group: 'Go to', run: () => navigate(to) })),
    { label: 'Change the theme', group: 'Console', run: changeTheme },
    { label: 'Forget the session key', group: 'Console', run: forgetKey },
  ]);
  return (
    <header class="sidebar">
      <a class="brand" href="./" aria-label="Agent Server">
        <svg viewBox="0 0 48 48" width="22" height="22" aria-hidden="true">
          <rect width="48" height="48" rx="12" />
          <path d="M14 17l7 7-7 7M25 32h10" />
        </svg>
        <span>Agent Server</span>
      </a>
      <nav aria-label="Console">
        {ENTRIES.map(({ name, label, to, icon, keys }) => (
          <a
            key={name}
            href={to}
            title={`${label} (${keys})`}
            aria-current={current === name ? 'page' : undefined}
          >
            <Icon name={icon} />
            <span>{label}</span>
          </a>
        ))}
      </nav>
      <div class="sidebar-foot">
        <Button kind="quiet" square aria-label={`Theme: ${theme.value}. Change it`} onClick={changeTheme}>
          <Icon name={theme.value === 'dark' ? 'moon' : 'sun'} />
        </Button>
        <Button kind="quiet" square aria-label="List the keys" onClick={() => (showShortcuts.value = true)}>
          ?
        </Button>
        {sessionKey.value !== null && (
          <Button kind="quiet" square aria-label="Forget the session key" onClick={forgetKey}>
            <Icon name="key" />
          </Button>
        )}
      </div>
    </header>
  );
}

function changeTheme(): void {
  setTheme(NEXT_THEME[theme.value]);
}
