import { growth, isRestart, logWriteQuantile, rate, type LoadSample } from '../../api/metrics/load-sample.js';
import { bytes, compact } from '../../ui/numbers.js';

/** A line of a panel: how it is read from two samples that follow each other. */
export interface PanelLine {
  label: string;
  color: string;
  value: (sample: LoadSample, before: LoadSample | undefined) => number | null;
  isLimit?: boolean;
}

/** A plot of the overview with its numbers. The first line is the one whose value is shown large. */
export interface PanelSpec {
  title: string;
  /** What it says about the server, and when to act. */
  help: string;
  lines: readonly PanelLine[];
  format: (value: number) => string;
}

const count = (value: number): string => compact(Math.round(value));
const short = (value: number): string => (value > 0 && value < 10 ? value.toFixed(1) : compact(value));
const perSecond = (value: number): string => `${short(value)}/s`;
const percent = (value: number): string => `${short(value)} %`;
const seconds = (value: number): string => {
  if (value === 0) return '0 s';
  if (value < 0.0995) return `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms`;
  return value < 60 ? `${value.toFixed(value < 1 ? 2 : 1)} s` : `${compact(value / 60)} min`;
};

/** The panels that every server has. */
export const PANELS: readonly PanelSpec[] = [
  {
    title: 'Active runs',
    help: 'Runs of agents. At the limit (max_concurrent_runs) further ones wait or are refused.',
    format: count,
    lines: [
      { label: 'active', color: '--plot-1', value: ({ runs }) => runs },
      { label: 'waiting', color: '--plot-3', value: ({ runsQueued }) => runsQueued },
      { label: 'limit', color: '--plot-6', value: ({ runsLimit }) => runsLimit, isLimit: true },
    ],
  },
  {
    title: 'Sockets',
    help: 'Open WebSockets: pages and programs that watch conversations.',
    format: count,
    lines: [{ label: 'open', color: '--plot-1', value: ({ sockets }) => sockets }],
  },
  {
    title: 'CPU',
    help: 'CPU time of the server process in percent of one core, without the commands of agents.',
    format: percent,
    lines: [
      {
        label: 'of one core',
        color: '--plot-2',
        value: (sample, before) =>
          times(
            rate(before, sample, (it) => it.cpuSeconds),
            100,
          ),
      },
    ],
  },
  {
    title: 'Memory',
    help: 'Memory of the server process, and the part of it that JavaScript objects use.',
    format: bytes,
    lines: [
      { label: 'resident', color: '--plot-2', value: ({ memory }) => memory },
      { label: 'heap', color: '--plot-4', value: ({ heap }) => heap },
    ],
  },
  {
    title: 'Event-loop delay',
    help: 'How long requests waited for their turn in the last one to two minutes with work. Above 100 ms people notice it.',
    format: seconds,
    lines: [
      { label: 'p99', color: '--plot-3', value: ({ loopP99 }) => loopP99 },
      { label: 'p50', color: '--plot-1', value: ({ loopP50 }) => loopP50 },
    ],
  },
  {
    title: 'Log writes',
    help: 'Writes of conversation logs. Events that wait share one write.',
    format: perSecond,
    lines: [
      {
        label: 'events',
        color: '--plot-4',
        value: (sample, before) => rate(before, sample, (it) => it.events),
      },
      {
        label: 'writes',
        color: '--plot-1',
        value: (sample, before) => rate(before, sample, (it) => it.logWrites),
      },
    ],
  },
  {
    title: 'Log write latency',
    help: 'Time of a write with its flush to the disk (fdatasync). Agents wait for it.',
    format: seconds,
    lines: [
      { label: 'p95', color: '--plot-3', value: (sample, before) => logWriteQuantile(before, sample, 0.95) },
      { label: 'mean', color: '--plot-1', value: meanWrite },
    ],
  },
  {
    title: 'Model requests',
    help: 'Requests to models per minute, and those that failed.',
    format: (value) => `${short(value)}/min`,
    lines: [
      {
        label: 'requests',
        color: '--plot-1',
        value: (sample, before) =>
          times(
            rate(before, sample, (it) => it.modelRequests),
            60,
          ),
      },
      {
        label: 'failed',
        color: '--plot-5',
        value: (sample, before) =>
          times(
            rate(before, sample, (it) => it.modelFailures),
            60,
          ),
      },
    ],
  },
];

/** The panels of a server with webhooks. */
export const WEBHOOK_PANELS: readonly PanelSpec[] = [
  {
    title: 'Webhook backlog',
    help: 'Events that wait for delivery to all webhooks.',
    format: count,
    lines: [{ label: 'events', color: '--plot-5', value: ({ webhookEvents }) => webhookEvents }],
  },
  {
    title: 'Oldest delivery',
    help: 'Age of the oldest delivery that waits. It grows while a receiver is down.',
    format: seconds,
    lines: [{ label: 'age', color: '--plot-3', value: ({ webhookOldestSeconds }) => webhookOldestSeconds }],
  },
];

function meanWrite(sample: LoadSample, before: LoadSample | undefined): number | null {
  const writes = growth(before, sample, (it) => it.logWrites);
  const total = growth(before, sample, (it) => it.logWriteSeconds);
  return writes === null || total === null || writes === 0 ? null : total / writes;
}

function times(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

/** A moment of a plot; without a sample it interrupts the lines. */
export interface Moment {
  at: number;
  sample?: LoadSample;
  /** The sample before, of the same process. */
  before?: LoadSample;
}

/** Without samples for so long (s), a line would show what nobody has seen. */
const GAP_SECONDS = 45;

/** The moments of samples. Lines are interrupted where nothing was collected and at restarts. */
export function momentsOf(samples: readonly LoadSample[]): Moment[] {
  return samples.flatMap((sample, index): Moment[] => {
    const before = samples[index - 1];
    if (before === undefined) return [{ at: sample.at, sample }];
    const isGap = sample.at - before.at > GAP_SECONDS || isRestart(before, sample);
    if (isGap) return [{ at: (before.at + sample.at) / 2 }, { at: sample.at, sample }];
    return [{ at: sample.at, sample, before }];
  });
}

/** The value of a line at a moment. */
export function valueAt(line: PanelLine, { sample, before }: Moment): number | null {
  return sample === undefined ? null : line.value(sample, before);
}
