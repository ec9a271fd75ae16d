import { PageHeader } from '../ui/page-header.js';

/** The view "New conversation". */
export function NewConversationView() {
  return <PageHeader title="New conversation" />;
}
