import { useEffect, useRef } from 'preact/hooks';
import { compact } from '../../../ui/numbers.js';
import { oneLine, visible } from '../../../ui/safe-text.js';
import { duration } from '../../../ui/time.js';
import type { Span } from '../insight-api.js';
import { KINDS, shortName } from '../kinds.js';
import type { TimeWindow } from './overview.js';
import type { TimeScale } from './time-scale.js';
import type { Bar } from './timeline-model.js';
import { useVisibleRows } from './virtual-rows.js';

const ROW_HEIGHT = 26;
/** Within this distance of the end (pixels) the list follows what is new. */
const AT_END = 2 * ROW_HEIGHT;

interface Props {
  bars: readonly Bar[];
  scale: TimeScale;
  shown: TimeWindow;
  activeId: string | null;
  /** The working directory, which is left out of paths below it. */
  folder: string;
  onActivate: (bar: Bar) => void;
  onShowEvent: (eventId: string) => void;
  /** A factor below 1 shows a shorter part of the time. */
  onZoom: (factor: number) => void;
  onPan: (share: number) => void;
  onReset: () => void;
}

/** The spans of the chosen time, one below the other: a list that is rendered where it is visible. */
export function WaterfallRows(props: Props) {
  const { bars, activeId, onActivate, onShowEvent } = props;
  const list = useRef<HTMLDivElement>(null);
  const { first, last, fitting } = useVisibleRows(list, bars.length, ROW_HEIGHT);
  useKeptPosition(list, bars);
  const active = bars.findIndex(({ span }) => span.id === activeId);

  const moveTo = (index: number): void => {
    const next = bars[Math.min(Math.max(index, 0), bars.length - 1)];
    if (next === undefined || list.current === null) return;
    onActivate(next);
    scrollToRow(list.current, bars.indexOf(next));
  };
  const keys: Record<string, () => void> = {
    ArrowDown: () => moveTo(active < 0 ? first : active + 1),
    ArrowUp: () => moveTo(active < 0 ? last - 1 : active - 1),
    PageDown: () => moveTo(active + fitting),
    PageUp: () => moveTo(active - fitting),
    Home: () => moveTo(0),
    End: () => moveTo(bars.length - 1),
    Enter: () => {
      const eventId = bars[active]?.span.event_id;
      if (eventId) onShowEvent(eventId);
    },
    '+': () => props.onZoom(0.5),
    '=': () => props.onZoom(0.5),
    '-': () => props.onZoom(2),
    ArrowLeft: () => props.onPan(-0.25),
    ArrowRight: () => props.onPan(0.25),
    '0': () => props.onReset(),
  };
  return (
    <div
      ref={list}
      class="wf-list"
      role="listbox"
      tabIndex={0}
      aria-label="Where the time went, the first span first"
      aria-activedescendant={active >= first && active < last ? rowId(bars[active]) : undefined}
      onKeyDown={(event) => {
        const run = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
        if (run === undefined) return;
        event.preventDefault();
        run();
      }}
      onWheel={(event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        props.onZoom(event.deltaY < 0 ? 0.8 : 1.25);
      }}
    >
      <div class="wf-canvas" role="presentation" style={{ height: `${bars.length * ROW_HEIGHT}px` }}>
        {bars.slice(first, last).map((bar, index) => (
          <Row
            key={bar.span.id}
            {...props}
            bar={bar}
            top={(first + index) * ROW_HEIGHT}
            isFirstOfStep={bars[first + index - 1]?.span.step !== bar.span.step}
            position={first + index + 1}
          />
        ))}
      </div>
    </div>
  );
}

function Row({
  bar,
  top,
  isFirstOfStep,
  position,
  bars,
  scale,
  shown,
  activeId,
  onActivate,
  onShowEvent,
  folder,
}: Props & { bar: Bar; top: number; isFirstOfStep: boolean; position: number }) {
  const { span } = bar;
  const start = scale.placeOf(shown.from);
  const length = Math.max(1, scale.placeOf(shown.to) - start);
  const left = ((scale.placeOf(bar.from) - start) / length) * 100;
  const right = ((scale.placeOf(bar.to) - start) / length) * 100;
  const name = shortName(span);
  const time = duration(bar.to - bar.from);
  const what = span.usage ? tokensOf(span.usage) : oneLine(span.detail.replaceAll(folder, ''), 80);
  const state = `${span.ended_at === null ? ', in progress' : ''}${span.failed ? ', failed' : ''}`;
  const marks = span.derived
    .map((boundary) => ` ${boundary === 'started_at' ? 'soft-start' : 'soft-end'}`)
    .join('');
  return (
    <div
      id={rowId(bar)}
      role="option"
      aria-selected={span.id === activeId}
      aria-setsize={bars.length}
      aria-posinset={position}
      class={`wf-row${span.active ? '' : ' left'}${isFirstOfStep ? ' first' : ''}`}
      style={{ top: `${top}px` }}
      onPointerEnter={() => onActivate(bar)}
      onClick={() => {
        onActivate(bar);
        if (span.event_id !== null) onShowEvent(span.event_id);
      }}
    >
      <span class={isFirstOfStep ? 'wf-step' : 'visually-hidden'}>
        <span class="visually-hidden">Step </span>
        {span.step}
      </span>
      <span class="visually-hidden">{KINDS[span.kind].label}</span>
      <span
        class={span.parent_id === null ? 'wf-name' : 'wf-name part'}
        title={`${name} ${visible(span.detail)}`}
      >
        {name}
        {what !== '' && <span class="insight-soft"> {what}</span>}
      </span>
      <span class="wf-track">
        <span
          class={`wf-bar kind-${span.kind}${marks}${span.failed ? ' failed' : ''}${span.ended_at === null ? ' open' : ''}`}
          style={{ left: `${clamp(left)}%`, width: `${clamp(right) - clamp(left)}%` }}
        />
        <span
          class="wf-time"
          style={clamp(right) < 78 ? { left: `${clamp(right)}%` } : { right: `${100 - clamp(left)}%` }}
        >
          {span.failed && <b aria-hidden="true">✕ </b>}
          {time}
          <span class="visually-hidden">{state}</span>
        </span>
      </span>
    </div>
  );
}

function tokensOf({ prompt_tokens, completion_tokens }: NonNullable<Span['usage']>): string {
  return `${compact(prompt_tokens)} in, ${compact(completion_tokens)} out`;
}

function clamp(share: number): number {
  return Math.min(100, Math.max(0, share));
}

function rowId(bar: Bar | undefined): string {
  return `span-${bar?.span.id ?? ''}`;
}

function scrollToRow(list: HTMLElement, index: number): void {
  const top = index * ROW_HEIGHT;
  const { scrollTop, clientHeight } = list;
  if (top < scrollTop) list.scrollTop = top;
  else if (top + ROW_HEIGHT > scrollTop + clientHeight) list.scrollTop = top + ROW_HEIGHT - clientHeight;
}

/** Keeps what a person reads in its place when rows are added before it; at the end, follows what is new. */
function useKeptPosition(list: { current: HTMLElement | null }, bars: readonly Bar[]): void {
  const before = useRef<{ firstId: string | undefined; isAtEnd: boolean }>({
    firstId: undefined,
    isAtEnd: true,
  });
  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    const { firstId, isAtEnd } = before.current;
    const added = firstId === undefined ? 0 : bars.findIndex(({ span }) => span.id === firstId);
    if (isAtEnd) element.scrollTop = element.scrollHeight;
    else if (added > 0) element.scrollTop += added * ROW_HEIGHT;
    before.current = { firstId: bars[0]?.span.id, isAtEnd: isScrolledToEnd(element) };
  }, [bars]);
  useEffect(() => {
    const element = list.current;
    if (element === null) return undefined;
    const onScroll = (): void => {
      before.current.isAtEnd = isScrolledToEnd(element);
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => element.removeEventListener('scroll', onScroll);
  }, []);
}

function isScrolledToEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean {
  return scrollHeight - scrollTop - clientHeight < AT_END;
}
