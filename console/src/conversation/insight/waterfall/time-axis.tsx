import { duration } from '../../../ui/time.js';
import type { TimeWindow } from './overview.js';
import type { TimeScale } from './time-scale.js';

const SHARES = [0, 0.25, 0.5, 0.75];

/** Times since the start of what is shown, above the bars. */
export function TimeAxis({ scale, shown }: { scale: TimeScale; shown: TimeWindow }) {
  const start = scale.placeOf(shown.from);
  const length = scale.placeOf(shown.to) - start;
  return (
    <div class="wf-axis" aria-hidden="true">
      <span />
      <span class="wf-ticks">
        {SHARES.map((share) => (
          <span key={share} style={{ left: `${share * 100}%` }}>
            {share === 0 ? clock(shown.from) : `+${duration(share * length)}`}
          </span>
        ))}
      </span>
    </div>
  );
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString();
}
