import { bytes } from '../../ui/numbers.js';
import { Button } from '../../ui/button.js';
import { Icon } from '../../ui/icon.js';
import { visible } from '../../ui/safe-text.js';
import type { Attachment, Attachments } from './attachments.js';

/** The attachments of a message, with the progress of their uploads. */
export function AttachmentList({ attachments }: { attachments: Attachments }) {
  const list = attachments.list.value;
  if (list.length === 0) return null;
  return (
    <ul class="attachments" aria-label="Attachments">
      {list.map((attachment) => (
        <li key={attachment.id} class={`attachment ${attachment.state}`}>
          {attachment.url !== undefined && <img src={attachment.url} alt="" />}
          <span class="attachment-text">
            <span class="attachment-name">{visible(attachment.name)}</span>
            <small role={attachment.state === 'failed' ? 'alert' : undefined}>{stateOf(attachment)}</small>
          </span>
          {attachment.kind === 'file' && attachment.state === 'loading' && (
            <progress value={attachment.progress} max={1} aria-label={`Upload of ${attachment.name}`} />
          )}
          {attachment.state === 'failed' && (
            <Button kind="quiet" onClick={() => attachments.upload(attachment.id)}>
              {attachment.kind === 'image' ? 'Upload as a file' : 'Try again'}
            </Button>
          )}
          <Button
            kind="quiet"
            square
            aria-label={`Remove ${attachment.name}`}
            onClick={() => attachments.remove(attachment.id)}
          >
            <Icon name="close" />
          </Button>
        </li>
      ))}
    </ul>
  );
}

function stateOf({ state, kind, size, progress, path, problem }: Attachment): string {
  if (state === 'failed') return problem ?? 'It could not be attached.';
  if (state === 'loading')
    return kind === 'file' ? `${Math.floor(progress * 100)}% of ${bytes(size)}` : 'Reading';
  return path === undefined ? `${bytes(size)}, part of the message` : `${bytes(size)}, stored as ${path}`;
}
