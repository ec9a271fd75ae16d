import { navigate } from '../routing/address.js';
import { PageHeader } from '../ui/page-header.js';
import { useCommands } from '../ui/shortcuts.js';
import { Tabs } from '../ui/tabs.js';
import { AutomationPage } from './detail/automation-page.js';
import { AutomationsTab } from './list/automations-tab.js';
import { WebhooksTab } from './webhooks/webhooks-tab.js';

const TABS = [
  { to: 'automations', label: 'Automations', View: AutomationsTab },
  { to: 'automations/webhooks', label: 'Webhooks', View: WebhooksTab },
] as const;

/**
 * The view "Automations": conversations that start by themselves, and the webhooks whose events start them.
 */
export function AutomationsView({ path }: { path: string }) {
  useCommands(
    TABS.map(({ to, label }) => ({
      label: `Automations: ${label}`,
      group: 'Go to',
      run: () => navigate(to),
    })),
  );
  const current = path.replace(/\/+$/, '');
  const tab = TABS.find(({ to }) => to === current);
  if (tab === undefined) return <AutomationPage id={current.split('/')[1] ?? ''} />;
  return (
    <>
      <PageHeader title="Automations" />
      <Tabs label="Parts of the automations" tabs={TABS} current={tab.to} />
      <tab.View />
    </>
  );
}
