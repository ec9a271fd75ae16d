import { navigate } from '../routing/address.js';
import { EmptyState } from '../ui/empty-state.js';
import { PageHeader } from '../ui/page-header.js';
import { useCommands } from '../ui/shortcuts.js';
import { currentKey, isAdmin } from '../api/current-key.js';
import { Tabs } from '../ui/tabs.js';
import { KeysTab } from './keys/keys-tab.js';
import { McpServersTab } from './mcp/mcp-servers-tab.js';
import { ModelsTab } from './models/models-tab.js';
import { SecretsTab } from './secrets/secrets-tab.js';

const TABS = [
  { to: 'settings', label: 'Models', View: ModelsTab },
  { to: 'settings/secrets', label: 'Secrets', View: SecretsTab },
  { to: 'settings/mcp', label: 'MCP servers', View: McpServersTab },
  { to: 'settings/keys', label: 'Keys', View: KeysTab },
] as const;

/** The view "Settings": models, secrets, MCP servers and keys. For administrators. */
export function SettingsView({ path }: { path: string }) {
  useCommands(
    TABS.map(({ to, label }) => ({ label: `Settings: ${label}`, group: 'Go to', run: () => navigate(to) })),
  );
  if (!isAdmin()) return <NotForThisKey />;
  const current = path.replace(/\/+$/, '');
  const tab = TABS.find(({ to }) => to === current);
  return (
    <>
      <PageHeader title="Settings" />
      <Tabs label="Parts of the settings" tabs={TABS} current={tab?.to ?? ''} />
      {tab === undefined ? (
        <EmptyState title="There is no such page">
          <p>
            <a href="settings">Models</a>
          </p>
        </EmptyState>
      ) : (
        <tab.View />
      )}
    </>
  );
}

function NotForThisKey() {
  return (
    <>
      <PageHeader title="Settings" />
      <EmptyState title="Your key may not change settings">
        <p>
          It has the scope <code>{currentKey.value?.scope}</code>. Settings, secrets and keys need one with
          the scope <code>admin</code>.
        </p>
      </EmptyState>
    </>
  );
}
