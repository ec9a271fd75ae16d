import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { Icon } from '../../../ui/icon.js';
import { bytes } from '../../../ui/numbers.js';
import { oneLine, visible } from '../../../ui/safe-text.js';
import type { InsightProps } from '../insight-props.js';
import { FileViewer } from './file-viewer.js';
import { SearchResults, type SearchMode } from './search-results.js';
import { TreeState, type TreeRow } from './tree-state.js';

const MARKS: Readonly<Record<string, { letter: string; label: string; tone: string }>> = {
  added: { letter: 'A', label: 'added', tone: 'new' },
  untracked: { letter: 'U', label: 'untracked', tone: 'new' },
  modified: { letter: 'M', label: 'modified', tone: 'changed' },
  deleted: { letter: 'D', label: 'deleted', tone: 'deleted' },
  conflicted: { letter: '!', label: 'in conflict', tone: 'deleted' },
};
/** Rows that are shown before somebody asks for more. */
const FIRST_ROWS = 1_000;

/** The working folder of a conversation: its tree with what git says, a search, and its files. */
export function WorkspacePanel({ conversationId }: InsightProps) {
  const tree = useMemo(() => new TreeState(conversationId), [conversationId]);
  useEffect(() => () => tree.close(), [tree]);
  const query = useSignal('');
  const mode = useSignal<SearchMode>('names');
  const isRegex = useSignal(false);
  const isCase = useSignal(false);
  const shown = useSignal<{ path: string; line?: number } | null>(null);
  const show = (path: string, line?: number): void => {
    tree.reveal(path);
    shown.value = line === undefined ? { path } : { path, line };
  };
  return (
    <div class="ws">
      <div class="ws-search" role="search">
        <input
          type="search"
          class="ws-query"
          value={query.value}
          maxLength={200}
          placeholder={mode.value === 'names' ? 'Find a file by name' : 'Search in files'}
          aria-label={mode.value === 'names' ? 'Find a file by name' : 'Search in files'}
          onInput={(event) => (query.value = event.currentTarget.value)}
        />
        <div class="ws-options">
          <Toggle
            label="In files"
            isOn={mode.value === 'content'}
            onChange={(on) => (mode.value = on ? 'content' : 'names')}
          />
          {mode.value === 'content' && (
            <>
              <Toggle label="Match case" isOn={isCase.value} onChange={(on) => (isCase.value = on)} />
              <Toggle label="Regex" isOn={isRegex.value} onChange={(on) => (isRegex.value = on)} />
            </>
          )}
        </div>
      </div>
      {query.value.trim() === '' ? (
        <Tree tree={tree} onShow={show} />
      ) : (
        <SearchResults
          conversationId={conversationId}
          query={query.value}
          mode={mode.value}
          regex={isRegex.value}
          matchCase={isCase.value}
          onShow={show}
        />
      )}
      {shown.value !== null && (
        <FileViewer
          conversationId={conversationId}
          path={shown.value.path}
          line={shown.value.line ?? 1}
          changes={tree.changes}
          onClose={() => (shown.value = null)}
        />
      )}
    </div>
  );
}

function Toggle({
  label,
  isOn,
  onChange,
}: {
  label: string;
  isOn: boolean;
  onChange: (on: boolean) => void;
}) {
  return (
    <button type="button" class="ws-toggle" aria-pressed={isOn} onClick={() => onChange(!isOn)}>
      {label}
    </button>
  );
}

function Tree({ tree, onShow }: { tree: TreeState; onShow: (path: string) => void }) {
  const rows = tree.rows();
  const limit = useSignal(FIRST_ROWS);
  const root = tree.levels.value.get('');
  if (root === undefined) return <p class="insight-soft">Reading the folder…</p>;
  return (
    <>
      <WatchNote tree={tree} />
      {root.problem !== null && <p role="alert">{root.problem}</p>}
      {rows.length === 0 && root.problem === null && <p class="insight-soft">The folder is empty.</p>}
      <ul class="ws-tree" aria-label="Files">
        {rows.slice(0, limit.value).map((row) => (
          <Row key={row.path} row={row} tree={tree} onShow={onShow} />
        ))}
      </ul>
      {rows.length > limit.value && (
        <button type="button" class="button" onClick={() => (limit.value += FIRST_ROWS)}>
          Show more of {rows.length.toLocaleString()}
        </button>
      )}
      <MorePages tree={tree} />
    </>
  );
}

/** Folders of which only the first page was read. */
function MorePages({ tree }: { tree: TreeState }) {
  const partly = [...tree.levels.value].filter(
    ([path, { nextPageId }]) => nextPageId !== null && tree.open.value.has(path),
  );
  return (
    <>
      {partly.map(([path, { items, total }]) => (
        <button key={path} type="button" class="button" onClick={() => tree.more(path)}>
          {oneLine(path === '' ? 'This folder' : path, 60)}: {items.length.toLocaleString()} of{' '}
          {total.toLocaleString()}, read more
        </button>
      ))}
    </>
  );
}

function WatchNote({ tree }: { tree: TreeState }) {
  const watch = tree.watch.value;
  if (watch?.state === 'gone') return <p role="status">The folder was removed.</p>;
  if (watch?.state !== 'partial') return null;
  return (
    <p class="insight-soft" role="status">
      Not all folders are watched ({watch.gaps.map((gap) => gap.replaceAll('-', ' ')).join(', ')}): changes in
      some are not shown until you open them again.
    </p>
  );
}

function Row({ row, tree, onShow }: { row: TreeRow; tree: TreeState; onShow: (path: string) => void }) {
  const { path, depth, entry, isOpen } = row;
  const isFolder = entry.kind === 'folder';
  const canOpen = isFolder || entry.kind === 'file' || entry.target === 'file';
  const level = isOpen ? tree.levels.value.get(path) : undefined;
  return (
    <li class={entry.git === 'ignored' ? 'ws-row ignored' : 'ws-row'}>
      <button
        type="button"
        class="ws-name"
        style={{ paddingLeft: `${8 + depth * 16}px` }}
        aria-expanded={isFolder ? isOpen : undefined}
        disabled={!canOpen}
        title={isMisread(entry) ? 'Its name is no UTF-8: rename it in a terminal to open it' : visible(path)}
        onClick={() => (isFolder ? tree.toggle(path) : onShow(path))}
      >
        <span class="ws-icon">
          {isFolder ? (
            <Icon name={isOpen ? 'down' : 'right'} />
          ) : (
            <Icon name={entry.kind === 'link' ? 'link' : 'file'} />
          )}
        </span>
        <span class="ws-label">{oneLine(entry.name, 120)}</span>
      </button>
      {typeof level?.problem === 'string' && <span class="ws-problem">{level.problem}</span>}
      <span class="ws-size">{entry.size !== null && bytes(entry.size)}</span>
      <Mark entry={entry} />
    </li>
  );
}

/** Whether the server cannot find an entry by the name that it has shown. */
function isMisread({ name, modified_at }: TreeRow['entry']): boolean {
  return modified_at === null && name.includes('\uFFFD');
}

function Mark({ entry: { git, contains_changes } }: { entry: TreeRow['entry'] }) {
  const mark = git === null ? undefined : MARKS[git];
  if (mark !== undefined)
    return (
      <span class={`file-mark ${mark.tone}`} title={mark.label} role="img" aria-label={mark.label}>
        {mark.letter}
      </span>
    );
  if (!contains_changes) return <span class="file-mark" aria-hidden="true" />;
  return (
    <span class="file-mark changed" title="has changes" role="img" aria-label="has changes">
      •
    </span>
  );
}
