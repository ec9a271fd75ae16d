import type { Signal } from '@preact/signals';
import { duration } from '../../../ui/time.js';
import type { KindTotal, SpanKind } from '../insight-api.js';
import { isWait, KIND_NAMES, KINDS } from '../kinds.js';

/** How much time went into each kind, and which kinds are shown. */
export function TotalsBar({
  totals,
  hidden,
}: {
  totals: readonly KindTotal[];
  hidden: Signal<ReadonlySet<SpanKind>>;
}) {
  const byKind = new Map(totals.map((total) => [total.kind, total]));
  const used = KIND_NAMES.filter((kind) => (byKind.get(kind)?.count ?? 0) > 0);
  const timeOf = (kind: SpanKind): number => byKind.get(kind)?.duration_ms ?? 0;
  const work = used.filter((kind) => !isWait(kind));
  const sum = work.reduce((ms, kind) => ms + timeOf(kind), 0);
  const toggle = (kind: SpanKind): void => {
    const next = new Set(hidden.value);
    if (!next.delete(kind)) next.add(kind);
    hidden.value = next;
  };
  return (
    <div class="wf-totals">
      {sum > 0 && (
        <div class="wf-stack" aria-hidden="true">
          {work.map((kind) => (
            <span key={kind} class={`kind-${kind}`} style={{ flexGrow: timeOf(kind) / sum }} />
          ))}
        </div>
      )}
      <div class="wf-legend" role="group" aria-label="Kinds of spans">
        {used.map((kind) => {
          const { count = 0, failed = 0 } = byKind.get(kind) ?? {};
          const part = isWait(kind) || sum === 0 ? '' : ` ${share(timeOf(kind), sum)}`;
          return (
            <button
              key={kind}
              type="button"
              class="wf-kind"
              aria-pressed={!hidden.value.has(kind)}
              title={`${count} ended${failed > 0 ? `, ${failed} failed or refused` : ''}. Press to show or hide them.`}
              onClick={() => toggle(kind)}
            >
              <span class={`wf-swatch kind-${kind}`} aria-hidden="true" />
              {KINDS[kind].label}
              <span class="insight-soft">
                {duration(timeOf(kind))}
                {part}
              </span>
            </button>
          );
        })}
      </div>
    </div>
  );
}

function share(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 1 ? '<1%' : `${Math.round(percent)}%`;
}
