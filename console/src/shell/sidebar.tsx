import { currentKey, isAdmin, mayWrite, seesServer } from '../api/current-key.js';
import { forgetKey, sessionKey } from '../api/session-key.js';
import { navigate } from '../routing/address.js';
import { Button } from '../ui/button.js';
import { Icon, type IconName } from '../ui/icon.js';
import { Keys } from '../ui/keys.js';
import { useCommands } from '../ui/shortcuts.js';
import { showPalette } from './palette.js';
import { showShortcuts } from './shortcut-list.js';
import { setTheme, theme, type Theme } from './theme.js';

const ENTRIES: readonly { name: string; label: string; to: string; icon: IconName; keys: string }[] = [
  { name: 'home', label: 'Conversations', to: './', icon: 'list', keys: 'g h' },
  { name: 'new', label: 'New conversation', to: 'new', icon: 'plus', keys: 'c' },
  { name: 'automations', label: 'Automations', to: 'automations', icon: 'clock', keys: 'g a' },
  { name: 'server', label: 'Server', to: 'server', icon: 'server', keys: 'g s' },
  { name: 'terminals', label: 'Terminals', to: 'terminals', icon: 'terminal', keys: 'g x' },
  { name: 'settings', label: 'Settings', to: 'settings', icon: 'settings', keys: 'g t' },
];
const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const THEME_NAMES: Readonly<Record<Theme, string>> = {
  system: 'that of the device',
  light: 'light',
  dark: 'dark',
};

/** The navigation of the console. */
export function Sidebar({ current }: { current: string }) {
  const entries = ENTRIES.filter(({ name }) => isUsable(name));
  useCommands([
    ...entries.map(({ label, to, keys }) => ({ label, keys, group: 'Go to', run: () => navigate(to) })),
    { label: 'Change the theme', group: 'Console', run: changeTheme },
    ...(sessionKey.value === null
      ? []
      : [{ label: 'Forget the session key', group: 'Console', run: forgetKey }]),
  ]);
  const themeLabel = `Theme: ${THEME_NAMES[theme.value]}. Change it`;
  return (
    <header class="sidebar">
      <a class="brand" href="./" aria-label="Agent Server, all conversations">
        <svg viewBox="0 0 48 48" width="22" height="22" aria-hidden="true">
          <rect width="48" height="48" rx="12" />
          <path d="M14 17l7 7-7 7M25 32h10" />
        </svg>
        <span>Agent Server</span>
      </a>
      <button
        type="button"
        class="find"
        aria-keyshortcuts="Control+K Meta+K"
        onClick={() => (showPalette.value = true)}
      >
        <Icon name="search" />
        <span>
          Find<span class="visually-hidden"> a command or a conversation</span>
        </span>
        <Keys keys="mod+k" />
      </button>
      <nav aria-label="Console">
        {entries.map(({ name, label, to, icon, keys }) => (
          <a
            key={name}
            href={to}
            title={`${label} (${keys.replace(' ', ' then ')})`}
            aria-current={current === name ? 'page' : undefined}
          >
            <Icon name={icon} />
            <span>{label}</span>
          </a>
        ))}
      </nav>
      <div class="sidebar-foot">
        <div class="sidebar-wide">
          <Button kind="quiet" square aria-label={themeLabel} title={themeLabel} onClick={changeTheme}>
            <Icon name={theme.value === 'system' ? 'contrast' : theme.value === 'dark' ? 'moon' : 'sun'} />
          </Button>
          <Button
            kind="quiet"
            square
            aria-label="List the keys"
            title="List the keys (?)"
            onClick={() => (showShortcuts.value = true)}
          >
            ?
          </Button>
        </div>
        {sessionKey.value !== null && (
          <Button
            kind="quiet"
            square
            aria-label="Forget the session key"
            title={keyTitle()}
            onClick={forgetKey}
          >
            <Icon name="key" />
          </Button>
        )}
      </div>
    </header>
  );
}

/** Whether the key of the page lets one do something there. */
function isUsable(name: string): boolean {
  if (name === 'new') return mayWrite();
  if (name === 'server') return seesServer();
  if (name === 'terminals') return isAdmin() && seesServer();
  return name !== 'settings' || isAdmin();
}

function keyTitle(): string {
  const { name, scope } = currentKey.value ?? { name: 'session', scope: 'admin' };
  return name === 'session'
    ? 'Forget the session key'
    : `Forget the key ${name}, which has the scope ${scope}`;
}

function changeTheme(): void {
  setTheme(NEXT_THEME[theme.value]);
}
