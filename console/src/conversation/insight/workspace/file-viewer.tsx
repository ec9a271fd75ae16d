import { useSignal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { messageOf } from '../../../api/api-error.js';
import { Button } from '../../../ui/button.js';
import { Dialog } from '../../../ui/dialog.js';
import { Icon } from '../../../ui/icon.js';
import { Loading } from '../../../ui/loading.js';
import { bytes } from '../../../ui/numbers.js';
import { oneLine, visible } from '../../../ui/safe-text.js';
import { download } from '../files/file-dialog.js';
import { readBlob, readLines, type TextLines } from './workspace-api.js';

const IMAGES = /\.(png|jpe?g|gif|webp|avif|bmp|ico|svg)$/i;
/** Larger images (bytes) are only downloaded. */
const MAX_IMAGE = 20 * 1024 * 1024;
/** How many lines before the wanted one are shown. */
const LEAD = 200;

interface Props {
  conversationId: string;
  path: string;
  line: number;
  changes: ReadonlySignal<{ paths: ReadonlySet<string>; all: boolean }>;
  onClose: () => void;
}

/** A file: lines with their numbers, a part at a time, or an image. It is read again when it changes. */
export function FileViewer({ conversationId, path, line, changes, onClose }: Props) {
  const parts = useSignal<TextLines[]>([]);
  const image = useSignal<string | null>(null);
  const problem = useSignal<string | null>(null);
  const from = Math.max(1, line - LEAD);
  useEffect(() => {
    let isShown = true;
    const read = async (): Promise<void> => {
      const first = await readLines(conversationId, path, from, 0);
      if (!isShown) return;
      if (IMAGES.test(path) && first.size <= MAX_IMAGE) {
        const blob = await readBlob(conversationId, path);
        if (image.value !== null) URL.revokeObjectURL(image.value);
        image.value = URL.createObjectURL(blob);
      }
      parts.value = [first];
      problem.value = null;
    };
    const start = (): void =>
      void read().catch((error: unknown) => {
        if (isShown) problem.value = messageOf(error);
      });
    let isFirst = true;
    const stop = changes.subscribe(({ paths, all }) => {
      if (isFirst || all || paths.has(path)) start();
      isFirst = false;
    });
    return () => {
      isShown = false;
      stop();
      if (image.value !== null) URL.revokeObjectURL(image.value);
    };
  }, [conversationId, path, from]);
  const next = parts.value.at(-1)?.next;
  const more = async (): Promise<void> => {
    if (!next) return;
    const part = await readLines(conversationId, path, next.from, next.offset);
    parts.value = [...parts.value, part];
  };
  const [first] = parts.value;
  return (
    <Dialog title={oneLine(path, 120)} onClose={onClose} wide>
      <div class="file-view ws-file">
        {problem.value !== null && <p role="alert">{problem.value}</p>}
        {first === undefined && problem.value === null && <Loading />}
        {image.value !== null ? (
          <img class="ws-image" src={image.value} alt={oneLine(path, 120)} />
        ) : (
          first && <Text parts={parts.value} line={line} />
        )}
        {image.value === null && next && (
          <button type="button" class="button" onClick={() => void more()}>
            Read on ({bytes(first?.size ?? 0)} in all)
          </button>
        )}
      </div>
      <div class="form-actions">
        <Button onClick={() => void download(conversationId, rowOf(path))}>
          <Icon name="download" />
          Download
        </Button>
        <Button kind="primary" onClick={onClose}>
          Close
        </Button>
      </div>
    </Dialog>
  );
}

function Text({ parts, line }: { parts: TextLines[]; line: number }) {
  const wanted = useRef<HTMLDivElement>(null);
  useEffect(() => wanted.current?.scrollIntoView({ block: 'center' }), [line]);
  if (parts[0]?.binary === true)
    return <p>This is not a text ({bytes(parts[0].size)}). Download it to open it.</p>;
  const lines = parts.flatMap((part) => part.lines);
  if (lines.length === 0) return <p>There are no lines here.</p>;
  return (
    <div class="ws-text">
      {lines.map(({ number, text, cut }) => (
        <div
          key={number}
          ref={number === line ? wanted : undefined}
          class={number === line && line > 1 ? 'wanted' : undefined}
        >
          <span class="ws-number">{number}</span>
          <code>
            {visible(text)}
            {cut && ' …'}
          </code>
        </div>
      ))}
    </div>
  );
}

function rowOf(path: string): Parameters<typeof download>[1] {
  const row = { name: path, path: `./${path}`, reads: 0, writes: 0, lastEventId: null, lastAt: null };
  return { ...row, change: null, deleted: false };
}
