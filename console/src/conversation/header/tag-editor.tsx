import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { messageOf } from '../../api/api-error.js';
import { mayWrite } from '../../api/current-key.js';
import { Icon } from '../../ui/icon.js';
import { oneLine } from '../../ui/safe-text.js';
import { useCommands } from '../../ui/shortcuts.js';
import { useRequest } from '../../ui/use-request.js';

type Tags = Readonly<Record<string, string>>;

const MAX_VALUE = 256;
const SHOWN_LENGTH = 40;

/** The tags of a conversation. They are added as `key=value` or `key`. */
export function TagEditor({ tags, onSave }: { tags: Tags; onSave: (tags: Tags) => Promise<unknown> }) {
  const isAdding = useSignal(false);
  const text = useSignal('');
  const field = useRef<HTMLInputElement>(null);
  /** The tags as the person wants them; undefined when they are stored. Changes may come fast. */
  const wanted = useSignal<Tags | undefined>(undefined);
  const save = useRequest(async () => {
    let stored: Tags | undefined;
    try {
      while (wanted.value !== stored) {
        stored = wanted.value;
        if (stored !== undefined) await onSave(stored);
      }
    } finally {
      wanted.value = undefined;
    }
  });
  const shown = wanted.value ?? tags;
  const change = (next: Tags): void => {
    wanted.value = next;
    void save.run();
  };
  const add = (): void => {
    text.value = '';
    save.clear();
    isAdding.value = true;
  };
  const isFixed = !mayWrite();
  useCommands(isFixed ? [] : [{ keys: 't', label: 'Add a tag', group: 'Conversation', run: add }]);
  useEffect(() => {
    if (isAdding.value) field.current?.focus();
  }, [isAdding.value]);
  const parsed = parseTag(text.value);
  const isWrong = text.value !== '' && 'problem' in parsed;
  const problem = isWrong ? parsed.problem : save.problem === undefined ? '' : messageOf(save.problem);
  const submit = (): void => {
    if (text.value.trim() === '') {
      isAdding.value = false;
    } else if (!('problem' in parsed)) {
      change({ ...shown, [parsed.key]: parsed.value });
      text.value = '';
    }
  };
  const remove = (key: string): void => {
    const { [key]: _removed, ...others } = shown;
    change(others);
  };
  return (
    <div class="tags">
      {Object.entries(shown).map(([key, value]) => (
        <span key={key} class="tag">
          <span title={value === '' ? key : `${key}=${value}`}>
            {oneLine(key, SHOWN_LENGTH)}
            {value !== '' && <b>{oneLine(value, SHOWN_LENGTH)}</b>}
          </span>
          {!isFixed && (
            <button type="button" aria-label={`Remove the tag ${key}`} onClick={() => remove(key)}>
              <Icon name="close" />
            </button>
          )}
        </span>
      ))}
      {isAdding.value ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <input
            ref={field}
            type="text"
            class="tag-field"
            aria-label="New tag"
            aria-invalid={problem !== ''}
            placeholder="team=docs"
            maxLength={MAX_VALUE + 64}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key === 'Escape') isAdding.value = false;
            }}
            onBlur={() => {
              if (text.value.trim() === '') isAdding.value = false;
            }}
          />
        </form>
      ) : isFixed ? null : (
        <button type="button" class="tag-add" title="Add a tag (t)" onClick={add}>
          + tag
        </button>
      )}
      {problem !== '' && (
        <span class="field-problem" role="alert">
          {problem}
        </span>
      )}
    </div>
  );
}

/** Reads `key=value`, `key: value` or `key`. */
function parseTag(text: string): { key: string; value: string } | { problem: string } {
  const [, key = '', value = ''] = /^\s*([^=:]*?)\s*(?:[=:]\s*(.*?))?\s*$/.exec(text) ?? [];
  const lower = key.toLowerCase();
  if (!/^[a-z0-9]+$/.test(lower)) return { problem: 'The key of a tag has letters a to z and digits only.' };
  if (value.length > MAX_VALUE) return { problem: `The value of a tag has at most ${MAX_VALUE} characters.` };
  return { key: lower, value };
}
