import type { ComponentChildren } from 'preact';

/** Colours by meaning; each also has a shape or a text, because not everybody sees colours. */
export type Tone = 'neutral' | 'running' | 'waiting' | 'good' | 'bad';

const TONES: Readonly<Record<string, Tone>> = {
  running: 'running',
  waiting_for_confirmation: 'waiting',
  paused: 'neutral',
  idle: 'neutral',
  finished: 'good',
  error: 'bad',
  stuck: 'bad',
  deleting: 'neutral',
};
const LABELS: Readonly<Record<string, string>> = { waiting_for_confirmation: 'waiting for approval' };

/** The tone of an `execution_status`. */
export function toneOf(status: string): Tone {
  return TONES[status] ?? 'neutral';
}

/** An `execution_status` as people read it. */
export function statusLabel(status: string): string {
  return LABELS[status] ?? status.replaceAll('_', ' ');
}

/** A dot and a text in a colour. All badges begin with a capital letter. */
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  const text = typeof children === 'string' ? children.charAt(0).toUpperCase() + children.slice(1) : children;
  return <span class={`badge ${tone}`}>{text}</span>;
}

/** An `execution_status`. */
export function Status({ status }: { status: string }) {
  return <Badge tone={toneOf(status)}>{statusLabel(status)}</Badge>;
}
