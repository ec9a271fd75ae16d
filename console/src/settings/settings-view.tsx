import { PageHeader } from '../ui/page-header.js';

/** The view "Settings". */
export function SettingsView() {
  return <PageHeader title="Settings" />;
}
