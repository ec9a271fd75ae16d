import { lazyView } from '../routing/lazy-view.js';
import { PageHeader } from '../ui/page-header.js';
import { Tabs, type Tab } from '../ui/tabs.js';
import { navigate } from '../routing/address.js';
import { useCommands } from '../ui/shortcuts.js';
import { EmptyState } from '../ui/empty-state.js';
import { isAdmin } from '../api/current-key.js';
import { useAttention } from './attention.js';
import { AuditTab } from './audit/audit-tab.js';
import { ConfigurationTab } from './configuration/configuration-tab.js';
import { LogTab } from './log/log-tab.js';
import { McpTab } from './mcp/mcp-tab.js';
import { Overview } from './overview/overview.js';
import { WebhooksTab } from './webhooks/webhooks-tab.js';

const UsageTab = lazyView(async () => (await import('./usage/usage-tab.js')).UsageTab);

const TABS = [
  { to: 'server', label: 'Overview', View: Overview },
  { to: 'server/usage', label: 'Usage', View: UsageTab },
  { to: 'server/webhooks', label: 'Webhooks', View: WebhooksTab },
  { to: 'server/mcp', label: 'MCP servers', View: McpTab },
  { to: 'server/configuration', label: 'Configuration', View: ConfigurationTab },
  { to: 'server/log', label: 'Warnings', View: LogTab },
  { to: 'server/audit', label: 'Audit', View: AuditTab, admin: true },
] as const;

/** The view "Server": load, webhooks, MCP servers, configuration, warnings and the audit log. */
export function ServerView({ path }: { path: string }) {
  const shown = TABS.filter((it) => !('admin' in it) || isAdmin());
  useCommands(
    shown.slice(1).map(({ to, label }) => ({
      label: `Server: ${label}`,
      group: 'Go to',
      run: () => navigate(to),
    })),
  );
  const { webhooks, errors } = useAttention();
  const counts: Readonly<Record<string, Pick<Tab, 'count' | 'countLabel'>>> = {
    'server/webhooks': { count: webhooks, countLabel: 'failing' },
    'server/log': { count: errors, countLabel: 'errors in the last hour' },
  };
  const current = path.replace(/\/+$/, '');
  const tab = shown.find(({ to }) => to === current || (to !== 'server' && current.startsWith(`${to}/`)));
  return (
    <>
      <PageHeader title="Server" />
      <Tabs
        label="Parts of the server"
        tabs={shown.map((it) => ({ ...it, ...counts[it.to] }))}
        current={tab?.to ?? ''}
      />
      {tab === undefined ? (
        <EmptyState title="There is no such page">
          <p>
            <a href="server">Overview of the server</a>
          </p>
        </EmptyState>
      ) : (
        <tab.View />
      )}
    </>
  );
}
