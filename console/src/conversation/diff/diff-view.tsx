import { signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { Button } from '../../ui/button.js';
import { visible } from '../../ui/safe-text.js';
import { Code } from '../events/code.js';
import { compareLines, type DiffPart, type DiffRow } from './line-diff.js';

const FEW_ROWS = 24;
const MORE_ROWS = 1000;
const MAX_LINE = 2000;

const narrow = matchMedia('(max-width: 900px)');
const isNarrow = signal(narrow.matches);
narrow.addEventListener('change', ({ matches }) => {
  isNarrow.value = matches;
});

/** What two texts given to `DiffView` are. */
export interface DiffProps {
  before: string;
  after: string;
  /** Rows that are shown before somebody asks for more. */
  rows?: number;
}

/** Two texts side by side, line by line; below each other where there is little room. */
export function DiffView({ before, after, rows = FEW_ROWS }: DiffProps) {
  const parts = useMemo(() => compareLines(before, after), [before, after]);
  const limit = useSignal(rows);
  if (parts === null) {
    return (
      <>
        <p class="note">The versions are too long or too different to be compared. This is the new one:</p>
        <Code text={after} />
      </>
    );
  }
  const total = parts.reduce<number>((sum, part) => sum + (typeof part === 'number' ? 1 : part.length), 0);
  const isSplit = !isNarrow.value && before !== '';
  return (
    <div class={isSplit ? 'diff split' : 'diff'} tabIndex={0} role="group" aria-label="Changes">
      <table>
        <colgroup>
          <col class="number" />
          <col class={isSplit ? undefined : 'number'} />
          <col class={isSplit ? 'number' : undefined} />
          {isSplit && <col />}
        </colgroup>
        <tbody>{rowsOf(parts, limit.value, isSplit)}</tbody>
      </table>
      {total > limit.value && (
        <div class="output-more">
          <Button kind="quiet" onClick={() => (limit.value += MORE_ROWS)}>
            Show more ({(total - limit.value).toLocaleString()} lines)
          </Button>
        </div>
      )}
    </div>
  );
}

function rowsOf(parts: readonly DiffPart[], limit: number, isSplit: boolean): ComponentChildren[] {
  const rows: ComponentChildren[] = [];
  for (const part of parts) {
    if (rows.length >= limit) break;
    if (typeof part === 'number') {
      rows.push(
        <tr key={`gap-${rows.length}`} class="gap">
          <td colSpan={isSplit ? 4 : 3}>
            {part === 1 ? '1 equal line' : `${part.toLocaleString()} equal lines`}
          </td>
        </tr>,
      );
    } else if (isSplit) rows.push(...part.slice(0, limit - rows.length).map(splitRow));
    else rows.push(...stacked(part).slice(0, limit - rows.length));
  }
  return rows;
}

function splitRow({ left, right, isSame }: DiffRow, index: number): ComponentChildren {
  return (
    <tr key={`${left?.number}-${right?.number}-${index}`}>
      <td class="number">{left?.number}</td>
      <td class={isSame ? 'line' : left === null ? 'line none' : 'line removed'}>
        {left && shown(left.text)}
      </td>
      <td class="number">{right?.number}</td>
      <td class={isSame ? 'line' : right === null ? 'line none' : 'line added'}>
        {right && shown(right.text)}
      </td>
    </tr>
  );
}

/** Removed lines before added ones, as in a patch. */
function stacked(rows: readonly DiffRow[]): ComponentChildren[] {
  const lines: ComponentChildren[] = [];
  let added: DiffRow[] = [];
  const flush = (): void => {
    for (const { right } of added) {
      if (right) lines.push(stackedRow('added', undefined, right.number, right.text));
    }
    added = [];
  };
  for (const row of rows) {
    if (row.isSame) {
      flush();
      lines.push(stackedRow('', row.left?.number, row.right?.number, row.right?.text ?? ''));
      continue;
    }
    if (row.left) lines.push(stackedRow('removed', row.left.number, undefined, row.left.text));
    added.push(row);
  }
  flush();
  return lines;
}

function stackedRow(
  kind: '' | 'added' | 'removed',
  left: number | undefined,
  right: number | undefined,
  text: string,
): ComponentChildren {
  return (
    <tr key={`${left}-${right}`}>
      <td class="number">{left}</td>
      <td class="number">{right}</td>
      <td class={`line ${kind}`}>{shown(text)}</td>
    </tr>
  );
}

function shown(text: string): string {
  return visible(text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text) || ' ';
}
