import { Icon } from '../../ui/icon.js';
import { oneLine } from '../../ui/safe-text.js';
import { recordAt, textAt, type WireEvent } from '../stream/wire-event.js';
import { errorEventAdvice } from './error-advice.js';
import { Output } from './output.js';

/** A run that failed: what it means, what to do, and the message. */
export function ErrorEvent({ event }: { event: WireEvent }) {
  const { title, advice, link } = errorEventAdvice(event);
  const detail = textAt(event, 'detail') || textAt(event, 'error');
  const id = textAt(recordAt(event, 'classification'), 'error_id');
  return (
    <div class="error-event" role="group" aria-label={title}>
      <h3>
        <Icon name="alert" />
        {title}
      </h3>
      <p>
        {advice} {link && <a href={link.to}>{link.label}</a>}
      </p>
      {detail !== '' && <Output text={detail} lines={6} name="error.txt" />}
      <p class="note">
        <code>{oneLine(textAt(event, 'code') || event.kind, 100)}</code>
        {id !== '' && <> · id in the log of the server: {oneLine(id, 60)}</>}
      </p>
    </div>
  );
}
