import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { messageOf } from '../../../api/api-error.js';
import { fetchPath } from '../../../api/client.js';
import { Button } from '../../../ui/button.js';
import { Dialog } from '../../../ui/dialog.js';
import { Icon } from '../../../ui/icon.js';
import { Loading } from '../../../ui/loading.js';
import { oneLine } from '../../../ui/safe-text.js';
import { DiffView } from '../../diff/diff-view.js';
import type { Checkpoint, CheckpointFile } from '../insight-api.js';

/** Larger files are not compared here (bytes). */
const MAX_COMPARED = 400_000;
const MAX_ROWS = 1_000;

type Content = { kind: 'diff'; before: string; after: string } | { kind: 'note'; text: string };

/** What a step has done to one file. */
export function ChangeDialog({
  conversationId,
  step,
  file,
  canRestore,
  onRestore,
  onClose,
}: {
  conversationId: string;
  step: Checkpoint;
  file: CheckpointFile;
  canRestore: boolean;
  onRestore: () => void;
  onClose: () => void;
}) {
  const content = useSignal<Content | null>(null);
  useEffect(() => {
    let isShown = true;
    void readContent(conversationId, step.step, file)
      .catch((error: unknown) => ({ kind: 'note' as const, text: messageOf(error) }))
      .then((read) => {
        if (isShown) content.value = read;
      });
    return () => {
      isShown = false;
    };
  }, [conversationId, step.step, file.path]);
  const modes =
    file.before && file.after && file.before.mode !== file.after.mode
      ? `Permissions ${file.before.mode} → ${file.after.mode}`
      : undefined;
  return (
    <Dialog title={`${oneLine(file.path, 100)} in step ${step.step}`} onClose={onClose} wide>
      <div class="file-view">
        {modes !== undefined && <p>{modes}</p>}
        {content.value === null && <Loading />}
        {content.value?.kind === 'note' && <p role="status">{content.value.text}</p>}
        {content.value?.kind === 'diff' && (
          <DiffView before={content.value.before} after={content.value.after} rows={MAX_ROWS} />
        )}
      </div>
      <div class="form-actions">
        <Button disabled={!canRestore} title="As it was before this step" onClick={onRestore}>
          <Icon name="undo" />
          Restore this file
        </Button>
        <Button kind="primary" onClick={onClose}>
          Close
        </Button>
      </div>
    </Dialog>
  );
}

async function readContent(id: string, step: number, file: CheckpointFile): Promise<Content> {
  const versions = [file.before, file.after];
  if (versions.some((version) => version !== null && !version.kept))
    return {
      kind: 'note',
      text: 'The content of this file is not kept: it is too large, or there is no room.',
    };
  if (versions.some((version) => (version?.size ?? 0) > MAX_COMPARED))
    return { kind: 'note', text: 'This file is too large to be compared here.' };
  const [before, after] = await Promise.all(
    (['before', 'after'] as const).map(async (side) => {
      if (file[side] === null) return new Uint8Array();
      const query = `path=${encodeURIComponent(file.path)}&side=${side}`;
      const answer = await fetchPath(`api/conversations/${id}/checkpoints/${step}/content?${query}`);
      return new Uint8Array(await answer.arrayBuffer());
    }),
  );
  if (!before || !after || before.includes(0) || after.includes(0))
    return { kind: 'note', text: 'This is not a text.' };
  const decoder = new TextDecoder();
  const texts = { before: decoder.decode(before), after: decoder.decode(after) };
  if (texts.before === texts.after) return { kind: 'note', text: 'The content is the same.' };
  return { kind: 'diff', ...texts };
}
