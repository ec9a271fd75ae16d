import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { mayWrite } from '../../api/current-key.js';
import { RequestProblem } from '../../ui/request-problem.js';
import { oneLine } from '../../ui/safe-text.js';
import { useCommands } from '../../ui/shortcuts.js';
import { useRequest } from '../../ui/use-request.js';

const MAX_LENGTH = 200;

/** The title of a conversation, which can be changed in place. */
export function TitleEditor({
  title,
  onSave,
}: {
  title: string | null;
  onSave: (title: string) => Promise<unknown>;
}) {
  const isEditing = useSignal(false);
  const text = useSignal('');
  const field = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const save = useRequest(onSave);
  const edit = (): void => {
    text.value = (title ?? '').replace(/\s+/g, ' ').slice(0, MAX_LENGTH);
    save.clear();
    isEditing.value = true;
  };
  const stop = (): void => {
    isEditing.value = false;
    requestAnimationFrame(() => button.current?.focus());
  };
  const isFixed = !mayWrite();
  useCommands(isFixed ? [] : [{ keys: 'e', label: 'Edit the title', group: 'Conversation', run: edit }]);
  useEffect(() => {
    if (isEditing.value) field.current?.select();
  }, [isEditing.value]);
  const submit = (): void => {
    const wanted = text.value.trim();
    if (wanted === '' || wanted === title) return stop();
    void save.run(wanted).then((isDone) => {
      if (isDone) stop();
    });
  };
  const shown = title === null || title.trim() === '' ? 'Untitled conversation' : oneLine(title, MAX_LENGTH);
  if (isFixed)
    return (
      <h1>
        <span class="title" title={shown}>
          {shown}
        </span>
      </h1>
    );
  if (!isEditing.value) {
    return (
      <h1>
        <button
          ref={button}
          type="button"
          class="title"
          title={`${shown}\nEdit the title (e)`}
          aria-label={`${shown}. Edit the title`}
          onClick={edit}
        >
          {shown}
        </button>
      </h1>
    );
  }
  return (
    <form
      class="title-form"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h1 class="visually-hidden">{shown}</h1>
      <input
        ref={field}
        type="text"
        aria-label="Title"
        maxLength={MAX_LENGTH}
        value={text.value}
        disabled={save.isBusy}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') stop();
        }}
        onBlur={() => {
          if (!save.isBusy && save.problem === undefined) submit();
        }}
      />
      <RequestProblem problem={save.problem} />
    </form>
  );
}
