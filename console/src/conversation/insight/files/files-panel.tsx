import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { api, call } from '../../../api/client.js';
import { EmptyState } from '../../../ui/empty-state.js';
import { Icon } from '../../../ui/icon.js';
import { visible } from '../../../ui/safe-text.js';
import { Age } from '../../../ui/time.js';
import { readSummary } from '../insight-api.js';
import type { InsightProps } from '../insight-props.js';
import { useLiveData } from '../live-data.js';
import { PanelFrame } from '../panel-frame.js';
import { download, FileDialog } from './file-dialog.js';
import { fileRows, type FileRow } from './file-rows.js';

/** More rows are shown when asked for. */
const FIRST_ROWS = 200;

const CHANGES: Readonly<Record<string, { letter: string; label: string }>> = {
  ADDED: { letter: 'A', label: 'new' },
  UPDATED: { letter: 'M', label: 'changed' },
  DELETED: { letter: 'D', label: 'deleted' },
  MOVED: { letter: 'R', label: 'moved' },
};

/** The files that the agent has touched, and what changed in the repository of its workspace. */
export function FilesPanel({ conversationId, info, onShowEvent }: InsightProps) {
  const live = useLiveData(info, conversationId, async () => {
    const workingDir = info.peek()?.workspace.working_dir ?? '';
    const [summary, changes] = await Promise.all([
      readSummary(conversationId),
      readChanges(conversationId, workingDir),
    ]);
    return { summary, changes };
  });
  return (
    <PanelFrame live={live}>
      {({ summary, changes }) => (
        <Files
          conversationId={conversationId}
          summary={summary}
          changes={changes}
          workingDir={info.value?.workspace.working_dir ?? '/'}
          onShowEvent={onShowEvent}
        />
      )}
    </PanelFrame>
  );
}

/** The changes of the repository; null where the workspace cannot be read. Empty outside of a repository. */
async function readChanges(id: string, workingDir: string) {
  const path = workingDir.startsWith('/') ? workingDir : './';
  try {
    return await call(
      api.GET('/api/conversations/{runtime_conversation_id}/git/changes', {
        params: { path: { runtime_conversation_id: id }, query: { path } },
      }),
    );
  } catch {
    return null;
  }
}

function Files({
  conversationId,
  summary,
  changes,
  workingDir,
  onShowEvent,
}: {
  conversationId: string;
  summary: Awaited<ReturnType<typeof readSummary>>;
  changes: Awaited<ReturnType<typeof readChanges>>;
  workingDir: string;
  onShowEvent: (eventId: string) => void;
}) {
  const rows = useMemo(
    () => fileRows(summary.files, changes ?? [], workingDir),
    [summary.files, changes, workingDir],
  );
  const opened = useSignal<FileRow | null>(null);
  const showsAll = useSignal(false);
  if (rows.length === 0) {
    return (
      <EmptyState title="No files yet">
        <p>
          Files that the agent reads or writes with its file tools appear here, with their changes where the
          workspace is a git repository. Commands in its terminal do not say which files they touch.
        </p>
      </EmptyState>
    );
  }
  const changed = rows.filter(({ change }) => change !== null).length;
  return (
    <>
      <p class="insight-soft">
        {changed > 0 && `${changed} changed in the repository. `}
        {summary.files.length.toLocaleString()} used by file tools
        {summary.files_truncated ? ', the latest of more' : ''}.
        {changes === null && ' The changes in the workspace cannot be read.'}
      </p>
      <ul class="file-list">
        {rows.slice(0, showsAll.value ? undefined : FIRST_ROWS).map((row) => (
          <li key={row.path} class={row.deleted ? 'deleted' : undefined}>
            <ChangeMark change={row.change} />
            <button
              type="button"
              class="file-name"
              title={visible(row.path)}
              onClick={() => (opened.value = row)}
            >
              <FileName name={row.name} />
            </button>
            <span class="insight-soft file-uses">{usesOf(row)}</span>
            <span class="insight-soft file-age">{row.lastAt !== null && <Age at={row.lastAt} />}</span>
            {row.lastEventId !== null && (
              <button
                type="button"
                class="button quiet square"
                aria-label={`Show where ${visible(row.name)} was used last`}
                title="Show where it was used last"
                onClick={() => onShowEvent(row.lastEventId ?? '')}
              >
                <Icon name="right" />
              </button>
            )}
            {!row.deleted && (
              <button
                type="button"
                class="button quiet square"
                aria-label={`Download ${visible(row.name)}`}
                title="Download"
                onClick={() => void download(conversationId, row)}
              >
                <Icon name="download" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {rows.length > FIRST_ROWS && !showsAll.value && (
        <button type="button" class="button" onClick={() => (showsAll.value = true)}>
          Show all {rows.length.toLocaleString()}
        </button>
      )}
      {opened.value !== null && (
        <FileDialog
          conversationId={conversationId}
          row={opened.value}
          onClose={() => (opened.value = null)}
        />
      )}
    </>
  );
}

function ChangeMark({ change }: { change: FileRow['change'] }) {
  const mark = change === null ? undefined : CHANGES[change];
  if (mark === undefined) return <span class="file-mark" aria-hidden="true" />;
  return (
    <span class={`file-mark ${mark.label}`} title={mark.label} role="img" aria-label={mark.label}>
      {mark.letter}
    </span>
  );
}

/** The name after its folder, which may be cut. */
function FileName({ name }: { name: string }) {
  const slash = name.lastIndexOf('/');
  return (
    <>
      {slash >= 0 && <span class="file-folder">{visible(name.slice(0, slash + 1))}</span>}
      <b>{visible(name.slice(slash + 1))}</b>
    </>
  );
}

function usesOf({ reads, writes }: FileRow): string {
  const parts = [
    ...(writes > 0 ? [`${writes} ${writes === 1 ? 'write' : 'writes'}`] : []),
    ...(reads > 0 ? [`${reads} ${reads === 1 ? 'read' : 'reads'}`] : []),
  ];
  return parts.join(', ');
}
