import type { ComponentChildren } from 'preact';
import { Loading } from '../../ui/loading.js';
import { Problem } from '../../ui/problem.js';
import type { LiveData } from './live-data.js';

/** A panel with its data, or what it says while there are none. */
export function PanelFrame<T>({
  live,
  children,
}: {
  live: LiveData<T>;
  children: (data: T) => ComponentChildren;
}) {
  const data = live.data.value;
  const problem = live.problem.value;
  if (data === null) {
    return problem === null ? (
      <Loading />
    ) : (
      <Problem
        title="This could not be read"
        detail={problem}
        action={{ label: 'Try again', run: live.reload }}
      />
    );
  }
  return (
    <div class="insight">
      {problem !== null && (
        <p class="insight-stale" role="status">
          Not up to date: {problem}
        </p>
      )}
      {children(data)}
    </div>
  );
}
