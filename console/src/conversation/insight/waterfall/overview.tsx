import { useEffect, useRef } from 'preact/hooks';
import { isWait } from '../kinds.js';
import { colourVersion, kindColours } from '../theme-colours.js';
import type { TimeScale } from './time-scale.js';
import type { Bar } from './timeline-model.js';

/** A part of the time, in milliseconds since the epoch. */
export interface TimeWindow {
  from: number;
  to: number;
}

/** Shorter drags (pixels) are clicks. */
const MIN_DRAG = 4;

/** The whole loaded time in one strip. Dragging in it chooses the part that the rows show. */
export function Overview({
  bars,
  scale,
  shown,
  onChoose,
}: {
  bars: readonly Bar[];
  scale: TimeScale;
  shown: TimeWindow;
  onChoose: (chosen: TimeWindow | null) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const start = useRef<number | null>(null);
  const version = colourVersion.value;
  useEffect(() => draw(canvas.current, bars, scale), [bars, scale, version]);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => draw(element, bars, scale));
    observer.observe(element);
    return () => observer.disconnect();
  }, [bars, scale]);

  const placeOf = (event: PointerEvent): number => {
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return (Math.min(Math.max(event.clientX - left, 0), width) / width) * scale.length;
  };
  const choose = (event: PointerEvent): void => {
    if (start.current === null) return;
    const [one, other] = [start.current, placeOf(event)].sort((a, b) => a - b) as [number, number];
    const { width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    if (((other - one) / scale.length) * width < MIN_DRAG) return;
    onChoose({ from: scale.timeAt(one), to: scale.timeAt(other) });
  };
  const left = (scale.placeOf(shown.from) / scale.length) * 100;
  const right = (scale.placeOf(shown.to) / scale.length) * 100;
  return (
    <div
      class="wf-overview"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = placeOf(event);
      }}
      onPointerMove={choose}
      onPointerUp={() => (start.current = null)}
      onPointerCancel={() => (start.current = null)}
      onDblClick={() => onChoose(null)}
      title="Drag to choose a part of the time; double-click for all of it"
    >
      <canvas ref={canvas} aria-hidden="true" />
      <span class="wf-shade" style={{ left: 0, width: `${left}%` }} />
      <span class="wf-shade" style={{ left: `${right}%`, right: 0 }} />
    </div>
  );
}

function draw(canvas: HTMLCanvasElement | null, bars: readonly Bar[], scale: TimeScale): void {
  const context = canvas?.getContext('2d');
  if (!canvas || !context) return;
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  context.scale(ratio, ratio);
  const colours = kindColours();
  const paint = (bar: Bar, top: number, bottom: number): void => {
    const from = (scale.placeOf(bar.from) / scale.length) * width;
    const to = (scale.placeOf(bar.to) / scale.length) * width;
    context.fillStyle = colours[bar.span.kind];
    context.fillRect(from, top, Math.max(0.75, to - from), bottom - top);
  };
  for (const bar of bars) if (isWait(bar.span.kind)) paint(bar, height * 0.4, height * 0.6);
  for (const bar of bars) if (!isWait(bar.span.kind)) paint(bar, height * 0.15, height * 0.85);
}
