import { PageHeader } from '../ui/page-header.js';

/** The view "Conversations". */
export function HomeView() {
  return <PageHeader title="Conversations" />;
}
