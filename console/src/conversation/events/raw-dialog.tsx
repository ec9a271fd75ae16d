import { useMemo } from 'preact/hooks';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import type { WireEvent } from '../stream/wire-event.js';
import { Output } from './output.js';
import { copyText } from '../../ui/copy-text.js';

/** Events as JSON. */
export function RawDialog({ events, onClose }: { events: readonly WireEvent[]; onClose: () => void }) {
  const text = useMemo(() => events.map((event) => JSON.stringify(event, null, 2)).join('\n\n'), [events]);
  return (
    <Dialog title={events.length === 1 ? 'Event as JSON' : 'Call and result as JSON'} onClose={onClose} wide>
      <div class="raw-json" tabIndex={0} role="group" aria-label="JSON">
        <Output text={text} lines={200} name="events.json" />
      </div>
      <div class="form-actions">
        <Button onClick={() => void copyText(text, 'The JSON')}>Copy</Button>
        <Button kind="primary" onClick={onClose}>
          Close
        </Button>
      </div>
    </Dialog>
  );
}
