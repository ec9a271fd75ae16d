import { useSignal } from '@preact/signals';
import type { ComponentChildren, RefObject } from 'preact';
import { useLayoutEffect, useMemo } from 'preact/hooks';
import type { Row } from './rows.js';

/** Rows outside of what can be seen that are there nevertheless. */
const MARGIN = 8;

/** Shows those of many rows that can be seen. Their heights are known, so nothing is measured. */
export function VirtualList({
  rows,
  viewport,
  children,
}: {
  rows: readonly Row[];
  /** The element that scrolls. */
  viewport: RefObject<HTMLDivElement | null>;
  children: (row: Row, index: number, top: number) => ComponentChildren;
}) {
  const offsets = useMemo(() => offsetsOf(rows), [rows]);
  const window = useSignal({ top: 0, height: 900 });
  useLayoutEffect(() => {
    const element = viewport.current;
    if (!element) return undefined;
    const read = (): void => {
      const { scrollTop: top, clientHeight: height } = element;
      if (top !== window.peek().top || height !== window.peek().height) window.value = { top, height };
    };
    read();
    element.addEventListener('scroll', read, { passive: true });
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', read);
      observer.disconnect();
    };
  }, []);
  const { top, height } = window.value;
  const first = Math.max(0, indexAt(offsets, top) - MARGIN);
  const last = Math.min(rows.length, indexAt(offsets, top + height) + 1 + MARGIN);
  return (
    <div class="home-rows" role="presentation" style={{ height: `${offsets.at(-1) ?? 0}px` }}>
      {rows.slice(first, last).map((row, index) => children(row, first + index, offsets[first + index] ?? 0))}
    </div>
  );
}

/** Where each row begins, and where the last one ends. */
export function offsetsOf(rows: readonly Row[]): number[] {
  const offsets = [0];
  let end = 0;
  for (const { height } of rows) offsets.push((end += height));
  return offsets;
}

function indexAt(offsets: readonly number[], y: number): number {
  let [low, high] = [0, offsets.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}
