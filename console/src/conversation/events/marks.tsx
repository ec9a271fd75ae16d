import type { ComponentChildren } from 'preact';
import { oneLine } from '../../ui/safe-text.js';
import { statusLabel, toneOf, Badge } from '../../ui/status.js';
import { listAt, numberAt, textAt, type WireEvent } from '../stream/wire-event.js';
import { TOO_LARGE } from '../stream/event-pages.js';
import { bytes } from '../../ui/numbers.js';
import { Fold } from './fold.js';
import { JsonTree } from './json-tree.js';
import { Markdown } from './markdown.js';
import { Output } from './output.js';

/** A line through the stream: something that is no step of the agent. */
function Mark({ children }: { children: ComponentChildren }) {
  return <div class="stream-mark">{children}</div>;
}

/** The run was paused, or stopped in the middle of a step: by a person, or because the server was stopped. */
export function StopMark({ event }: { event: WireEvent }) {
  return <Mark>{event.kind === 'PauseEvent' ? 'Pause requested' : 'Interrupted'}</Mark>;
}

/** A change of the state of the conversation. */
export function StateMark({ event }: { event: WireEvent }) {
  const key = textAt(event, 'key');
  const { value } = event;
  if (key === 'execution_status' && typeof value === 'string') {
    return (
      <Mark>
        <Badge tone={toneOf(value)}>{statusLabel(value)}</Badge>
        {value === 'stuck' && (
          <span>The agent repeated itself, so its run was ended. Send a message that helps it on.</span>
        )}
      </Mark>
    );
  }
  const label = `${oneLine(key, 60).replaceAll('_', ' ')} changed`;
  const short = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  if (short) return <Mark>{`${label}: ${oneLine(String(value), 200)}`}</Mark>;
  if (value === null || value === undefined) return <Mark>{`${label}: none`}</Mark>;
  return <Folded event={event} label={label} value={value} />;
}

/** Old events left what the model sees. */
export function CondensationMark({ event }: { event: WireEvent }) {
  if (event.kind === 'CondensationRequest') return <Mark>Condensation of the history was requested</Mark>;
  const count = listAt(event, 'forgotten_event_ids').length || (numberAt(event, 'forgotten_count') ?? 0);
  const summary = textAt(event, 'summary');
  const label = `History condensed: the model no longer sees ${count.toLocaleString()} older events`;
  if (summary === '') return <Mark>{label}</Mark>;
  return (
    <Fold name={event.id} label={<span class="fold-label">{label}</span>}>
      {() => (
        <div class="reasoning">
          <Markdown text={summary} />
        </div>
      )}
    </Fold>
  );
}

/** A hook ran. */
export function HookRun({ event }: { event: WireEvent }) {
  const isBlocked = event['blocked'] === true;
  const hasFailed = event['success'] === false;
  const outcome = isBlocked
    ? 'blocked'
    : hasFailed
      ? `failed, exit ${numberAt(event, 'exit_code') ?? '?'}`
      : 'passed';
  const texts = (['reason', 'error', 'additional_context', 'stdout', 'stderr'] as const).filter(
    (field) => textAt(event, field) !== '',
  );
  return (
    <Fold
      name={event.id}
      isOpen={isBlocked || hasFailed}
      label={
        <>
          <span class="fold-label">Hook {oneLine(textAt(event, 'hook_event_type'), 40)}</span>{' '}
          <code class="fold-preview">{oneLine(textAt(event, 'hook_command'), 120)}</code>{' '}
          <span class={isBlocked || hasFailed ? 'event-tag bad' : 'event-tag'}>{outcome}</span>
        </>
      }
    >
      {() =>
        texts.length === 0 ? (
          <p class="note">It wrote nothing.</p>
        ) : (
          texts.map((field) => (
            <div key={field} class="call-part">
              <h4>{field.replaceAll('_', ' ')}</h4>
              <Output text={textAt(event, field)} />
            </div>
          ))
        )
      }
    </Fold>
  );
}

/** An event that was not loaded because of its size. */
export function TooLarge({ event }: { event: WireEvent }) {
  return (
    <Mark>
      An event of {bytes(numberAt(event, 'bytes') ?? 0)} is too large to be shown. It is in the log of the
      conversation: download it to read it.
    </Mark>
  );
}

/** Any other event, as it came. */
export function Other({ event }: { event: WireEvent }) {
  return <Folded event={event} label={oneLine(event.kind, 80)} value={event} />;
}

function Folded({ event, label, value }: { event: WireEvent; label: string; value: unknown }) {
  return (
    <Fold name={event.id} label={<span class="fold-label">{label}</span>}>
      {() => <JsonTree value={value} />}
    </Fold>
  );
}

/** Whether an event of this kind was too large. */
export function isTooLarge({ kind }: WireEvent): boolean {
  return kind === TOO_LARGE;
}
