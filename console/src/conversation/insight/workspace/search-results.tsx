import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { messageOf } from '../../../api/api-error.js';
import { oneLine, visible } from '../../../ui/safe-text.js';
import { findLines, findNames, type FoundLine, type FoundNames, type SearchEnd } from './workspace-api.js';

/** What is searched: names of files, or what is in them. */
export type SearchMode = 'names' | 'content';

/** A search begins when nothing was typed for this long (ms). */
const PAUSE_MS = 150;

interface Props {
  conversationId: string;
  query: string;
  mode: SearchMode;
  regex: boolean;
  matchCase: boolean;
  onShow: (path: string, line?: number) => void;
}

/** What a search finds. A new query ends the search before it. */
export function SearchResults({ conversationId, query, mode, regex, matchCase, onShow }: Props) {
  const names = useSignal<FoundNames | null>(null);
  const lines = useSignal<FoundLine[]>([]);
  const end = useSignal<SearchEnd | null>(null);
  const problem = useSignal<string | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const search = async (): Promise<void> => {
      if (mode === 'names') {
        names.value = await findNames(conversationId, query, signal);
        return;
      }
      const found: FoundLine[] = [];
      let shownAt = 0;
      const options = { query, regex, case: matchCase ? 'sensitive' : 'insensitive' };
      for await (const record of findLines(conversationId, options, signal)) {
        if (record.type === 'end') end.value = record;
        else found.push(record);
        if (record.type !== 'end' && Date.now() - shownAt < PAUSE_MS) continue;
        shownAt = Date.now();
        lines.value = [...found];
      }
    };
    const timer = setTimeout(() => {
      [lines.value, end.value, problem.value] = [[], null, null];
      search().catch((error: unknown) => {
        if (!signal.aborted) problem.value = messageOf(error);
      });
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [conversationId, query, mode, regex, matchCase]);
  if (problem.value !== null)
    return (
      <p class="ws-alert" role="alert">
        {visible(problem.value)}
      </p>
    );
  if (mode === 'names') return <Names found={names.value} onShow={onShow} />;
  return <Lines lines={lines.value} end={end.value} onShow={onShow} />;
}

function Names({ found, onShow }: { found: FoundNames | null; onShow: Props['onShow'] }) {
  if (found === null) return <p class="insight-soft">Searching…</p>;
  return (
    <>
      <p class="insight-soft" role="status">
        {found.matching.toLocaleString()} of {found.files.toLocaleString()} files
        {found.truncated && '; there are more files'}
      </p>
      <ul class="ws-found" aria-label="Files found">
        {found.items.map(({ path, positions }) => (
          <li key={path}>
            <button type="button" class="ws-name" title={visible(path)} onClick={() => onShow(path)}>
              <span class="ws-label">
                <Marked text={path} isMarked={(at) => positions.includes(at)} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Lines({
  lines,
  end,
  onShow,
}: {
  lines: FoundLine[];
  end: SearchEnd | null;
  onShow: Props['onShow'];
}) {
  const files = new Map<string, FoundLine[]>();
  for (const line of lines) files.set(line.path, [...(files.get(line.path) ?? []), line]);
  return (
    <>
      <p class="insight-soft" role="status">
        {end === null ? 'Searching…' : summaryOf(end)}
      </p>
      {[...files].map(([path, found]) => (
        <section key={path} class="ws-hits" aria-label={oneLine(path, 120)}>
          <h4>{oneLine(path, 120)}</h4>
          {found.map((line, index) => (
            <button
              key={index}
              type="button"
              class={`ws-line ${line.type}`}
              onClick={() => onShow(path, line.line ?? 1)}
            >
              <span class="ws-number">{line.line ?? '…'}</span>
              <code>
                {line.text === null ? (
                  'The line is too long to be shown'
                ) : (
                  <Marked
                    text={line.text}
                    isMarked={(at) => line.ranges.some(([from, to]) => from <= at && at < to)}
                  />
                )}
              </code>
            </button>
          ))}
        </section>
      ))}
    </>
  );
}

function summaryOf({ matches, files, stopped }: SearchEnd): string {
  const count = `${matches.toLocaleString()} ${matches === 1 ? 'line' : 'lines'} in ${files.toLocaleString()} ${files === 1 ? 'file' : 'files'}`;
  if (stopped === null) return count;
  return `${count}, the first of more: ${stopped === 'time' ? 'the search took too long' : 'narrow it down'}`;
}

/** A text with some of its characters marked. */
function Marked({ text, isMarked }: { text: string; isMarked: (at: number) => boolean }) {
  const parts: { text: string; marked: boolean }[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const marked = isMarked(at);
    const last = parts.at(-1);
    if (last?.marked === marked) last.text += text.charAt(at);
    else parts.push({ text: text.charAt(at), marked });
  }
  return (
    <>
      {parts.map((part, index) =>
        part.marked ? <mark key={index}>{visible(part.text)}</mark> : visible(part.text),
      )}
    </>
  );
}
