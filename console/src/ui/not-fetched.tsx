import { Loading } from './loading.js';
import { Problem } from './problem.js';

/** Stands in place of what could not be shown yet: it is being fetched, or the request failed. */
export function NotFetched({
  title,
  error,
  reload,
}: {
  /** Says what could not be read. */
  title: string;
  /** Why; undefined while the request is under way. */
  error: string | undefined;
  reload: () => void;
}) {
  if (error === undefined) return <Loading />;
  return <Problem title={title} detail={error} action={{ label: 'Try again', run: reload }} />;
}
