import { PageHeader } from '../ui/page-header.js';

/** The view "Conversation". */
export function ConversationView() {
  return <PageHeader title="Conversation" />;
}
