import { money } from '../ui/numbers.js';
import { isRunning } from './filters.js';
import { isSetAside } from './set-aside.js';
import { summaries, type Summary } from './summary-store.js';

/** Whether the list is up to date, and its sums. */
export function Totals({ waiting, running, cost, count }: ReturnType<typeof totalsOf>) {
  const { connection, loadState } = summaries;
  const isLate = connection.value === 'waiting';
  return (
    <p class="home-totals">
      <span role="status">{isLate ? 'Reconnecting; the list may be out of date' : ''}</span>
      {!isLate && count > 0 && (
        <span>
          {waiting > 0 && <b>{waiting.toLocaleString()} waiting</b>}
          {running > 0 && <span>{running.toLocaleString()} running</span>}
          <span>
            {count.toLocaleString()}
            {loadState.value === 'complete' ? '' : '+'} in all
          </span>
          {cost > 0 && <span title="Cost of all conversations">{money(cost)}</span>}
        </span>
      )}
    </p>
  );
}

/** The sums over conversations. */
export function totalsOf(all: Iterable<Summary>) {
  const totals = { waiting: 0, running: 0, cost: 0, count: 0 };
  for (const summary of all) {
    totals.count += 1;
    totals.cost += summary.cost;
    if (summary.waits_for !== null && !isSetAside(summary)) totals.waiting += 1;
    if (isRunning(summary)) totals.running += 1;
  }
  return totals;
}
