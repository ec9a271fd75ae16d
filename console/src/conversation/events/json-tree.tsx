import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { isRecord } from '../../api/api-error.js';
import { Button } from '../../ui/button.js';
import { visible } from '../../ui/safe-text.js';

const MAX_TEXT = 500;
const MAX_ENTRIES = 50;
const OPEN_DEPTH = 2;

/** A value of JSON as a tree; large parts are folded or shown on demand. */
export function JsonTree({ value }: { value: unknown }) {
  return (
    <div class="json">
      <Value value={value} depth={0} />
    </div>
  );
}

function Value({ value, depth }: { value: unknown; depth: number }) {
  if (typeof value === 'string') return <Text text={value} />;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return (
      <Entries entries={items.map((item, index) => [String(index), item])} brackets="[]" depth={depth} />
    );
  }
  if (isRecord(value)) return <Entries entries={Object.entries(value)} brackets="{}" depth={depth} />;
  return <span class="json-atom">{String(value)}</span>;
}

function Text({ text }: { text: string }) {
  const all = useSignal(false);
  const limit = all.value ? 60_000 : MAX_TEXT;
  return (
    <span class="json-text">
      {visible(text.slice(0, limit))}
      {text.length > limit && (
        <Button kind="quiet" onClick={() => (all.value = true)} disabled={all.value}>
          … {(text.length - limit).toLocaleString()} more characters
        </Button>
      )}
    </span>
  );
}

function Entries({
  entries,
  brackets,
  depth,
}: {
  entries: readonly (readonly [string, unknown])[];
  brackets: '[]' | '{}';
  depth: number;
}) {
  const open = useSignal(depth < OPEN_DEPTH && entries.length <= MAX_ENTRIES);
  const limit = useSignal(MAX_ENTRIES);
  const [first = '', last = ''] = brackets;
  if (entries.length === 0) return <span class="json-atom">{brackets}</span>;
  const rows: ComponentChildren[] = entries.slice(0, open.value ? limit.value : 0).map(([name, item]) => (
    <li key={name}>
      <span class="json-name">{visible(name.slice(0, 200))}: </span>
      <Value value={item} depth={depth + 1} />
    </li>
  ));
  return (
    <>
      <button
        type="button"
        class="json-fold"
        aria-expanded={open.value}
        onClick={() => (open.value = !open.value)}
      >
        {first}
        {!open.value && ` ${entries.length.toLocaleString()} `}
        {!open.value && last}
      </button>
      {open.value && (
        <ul>
          {rows}
          {entries.length > limit.value && (
            <li>
              <Button kind="quiet" onClick={() => (limit.value += 500)}>
                {(entries.length - limit.value).toLocaleString()} more
              </Button>
            </li>
          )}
        </ul>
      )}
    </>
  );
}
