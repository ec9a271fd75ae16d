import { PageHeader } from '../ui/page-header.js';
import { Terminals } from './terminals.js';

/** The terminals of the server. */
export function TerminalsView() {
  return (
    <div class="terminals-view">
      <PageHeader title="Terminals" />
      <Terminals conversationId={undefined} />
    </div>
  );
}
