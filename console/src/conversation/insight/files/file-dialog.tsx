import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { messageOf } from '../../../api/api-error.js';
import { api, call, fetchPath } from '../../../api/client.js';
import { Button } from '../../../ui/button.js';
import { Dialog } from '../../../ui/dialog.js';
import { Icon } from '../../../ui/icon.js';
import { Loading } from '../../../ui/loading.js';
import { bytes } from '../../../ui/numbers.js';
import { oneLine, visible } from '../../../ui/safe-text.js';
import { saveFile } from '../../../ui/save-file.js';
import { showToast } from '../../../ui/toast.js';
import { DiffView } from '../../diff/diff-view.js';
import type { FileRow } from './file-rows.js';

/** Longer texts (characters) are shown in part: the whole can be downloaded. */
const MAX_TEXT = 200_000;
/** Rows of a comparison that are shown before somebody asks for more. */
const MAX_ROWS = 1_000;

type Content =
  | { kind: 'diff'; before: string; after: string }
  | { kind: 'text'; text: string; size: number }
  | { kind: 'binary'; size: number };

/** A file: its changes side by side where git knows them, else its text. */
export function FileDialog({
  conversationId,
  row,
  onClose,
}: {
  conversationId: string;
  row: FileRow;
  onClose: () => void;
}) {
  const content = useSignal<Content | null>(null);
  const problem = useSignal<string | null>(null);
  useEffect(() => {
    let isShown = true;
    readContent(conversationId, row).then(
      (read) => {
        if (isShown) content.value = read;
      },
      (error: unknown) => {
        if (isShown) problem.value = messageOf(error);
      },
    );
    return () => {
      isShown = false;
    };
  }, [conversationId, row.path]);
  return (
    <Dialog title={oneLine(row.name, 120)} onClose={onClose} wide>
      <div class="file-view">
        {problem.value !== null && <p role="alert">{problem.value}</p>}
        {problem.value === null && content.value === null && <Loading />}
        {content.value && <FileContent content={content.value} />}
      </div>
      <div class="form-actions">
        {!row.deleted && (
          <Button onClick={() => void download(conversationId, row)}>
            <Icon name="download" />
            Download
          </Button>
        )}
        <Button kind="primary" onClick={onClose}>
          Close
        </Button>
      </div>
    </Dialog>
  );
}

/** Saves a file on the device of the person. */
export async function download(conversationId: string, { path, name }: FileRow): Promise<void> {
  try {
    const blob = await (await fetchPath(downloadPath(conversationId, path))).blob();
    saveFile(blob, name.split('/').at(-1) ?? 'file');
  } catch (error) {
    showToast(messageOf(error), { kind: 'error' });
  }
}

function downloadPath(conversationId: string, path: string): string {
  return `api/conversations/${conversationId}/file/download?path=${encodeURIComponent(path)}`;
}

async function readContent(conversationId: string, row: FileRow): Promise<Content> {
  if (row.change !== null) {
    const { original, modified } = await call(
      api.GET('/api/conversations/{runtime_conversation_id}/git/diff', {
        params: { path: { runtime_conversation_id: conversationId }, query: { path: row.path } },
      }),
    );
    if (original !== null && modified !== null) return { kind: 'diff', before: original, after: modified };
  }
  // A range, so that no file of gigabytes is fetched to show its beginning.
  const headers = { range: `bytes=0-${MAX_TEXT - 1}` };
  const answer = await fetchPath(downloadPath(conversationId, row.path), { headers });
  const whole = Number(answer.headers.get('content-range')?.split('/')[1]);
  const data = new Uint8Array(await answer.arrayBuffer());
  const size = Number.isFinite(whole) && whole > 0 ? whole : data.length;
  if (data.includes(0)) return { kind: 'binary', size };
  return { kind: 'text', text: new TextDecoder().decode(data), size };
}

function FileContent({ content }: { content: Content }) {
  if (content.kind === 'binary')
    return <p>This is not a text ({bytes(content.size)}). Download it to open it.</p>;
  if (content.kind === 'diff') return <Diff before={content.before} after={content.after} />;
  const isPart = content.size > content.text.length + 3 && content.text.length >= MAX_TEXT - 3;
  return (
    <>
      {content.text === '' ? <p>The file is empty.</p> : <pre class="file-text">{visible(content.text)}</pre>}
      {isPart && (
        <p class="insight-soft">The beginning of {bytes(content.size)}. Download the file for the rest.</p>
      )}
    </>
  );
}

function Diff({ before, after }: { before: string; after: string }) {
  if (before === after) return <p>Both versions are the same.</p>;
  return <DiffView before={before} after={after} rows={MAX_ROWS} />;
}
