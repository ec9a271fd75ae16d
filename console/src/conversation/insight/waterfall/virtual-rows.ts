import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/** Rows beyond the visible ones, so that scrolling shows no empty place. */
const MARGIN_ROWS = 12;

/** The rows of a long list that have to be rendered: from `first` to before `last`. */
export interface VisibleRows {
  first: number;
  last: number;
  /** How many rows fit into the visible part. */
  fitting: number;
}

/** Follows which rows of a scrolling list are visible. Each is `height` pixels high. */
export function useVisibleRows(
  list: RefObject<HTMLElement | null>,
  count: number,
  height: number,
): VisibleRows {
  const view = useSignal({ top: 0, size: 600 });
  useEffect(() => {
    const element = list.current;
    if (element === null) return undefined;
    const measure = (): void => {
      const { scrollTop: top, clientHeight: size } = element;
      const { value } = view;
      if (value.top !== top || value.size !== size) view.value = { top, size };
    };
    measure();
    element.addEventListener('scroll', measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', measure);
      observer.disconnect();
    };
  }, [list.current]);
  const { top, size } = view.value;
  const fitting = Math.ceil(size / height);
  const first = Math.max(0, Math.min(Math.floor(top / height), count) - MARGIN_ROWS);
  return { first, last: Math.min(count, first + fitting + 2 * MARGIN_ROWS), fitting };
}
