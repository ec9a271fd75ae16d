import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

/** One number that matters, with what it is. */
export interface Figure {
  label: string;
  value: string;
  note?: string;
}

/** A row of numbers. */
export function Figures({ figures }: { figures: readonly Figure[] }) {
  return (
    <dl class="figures">
      {figures.map(({ label, value, note }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {value}
            {note !== undefined && <span class="insight-soft">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What a plot shows, by colour. */
export function Legend({
  entries,
}: {
  entries: readonly { label: string; colour: string; value?: string }[];
}) {
  return (
    <div class="plot-legend">
      {entries.map(({ label, colour, value }) => (
        <span key={label}>
          <i style={{ background: `var(${colour})` }} aria-hidden="true" />
          {label}
          {value !== undefined && <b>{value}</b>}
        </span>
      ))}
    </div>
  );
}

/** A table that is closed until somebody wants it: the numbers of a plot, also for screen readers. */
export function NumbersTable({
  summary,
  columns,
  rows,
}: {
  summary: string;
  columns: readonly string[];
  rows: () => readonly (readonly ComponentChildren[])[];
}) {
  const isOpen = useSignal(false);
  return (
    <details class="numbers" onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>{summary}</summary>
      {isOpen.value && <OpenTable columns={columns} rows={rows()} />}
    </details>
  );
}

/** A table of numbers; the first column is text. */
export function OpenTable({
  columns,
  rows,
}: {
  columns: readonly string[];
  rows: readonly (readonly ComponentChildren[])[];
}) {
  return (
    <div class="numbers-scroll" tabIndex={0} role="region" aria-label={columns.join(', ')}>
      <table class="insight-table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, index) => (
            <tr key={index}>
              {cells.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
