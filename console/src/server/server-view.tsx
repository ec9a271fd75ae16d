import { PageHeader } from '../ui/page-header.js';

/** The view "Server". */
export function ServerView() {
  return <PageHeader title="Server" />;
}
