import { useMemo, useRef } from 'preact/hooks';
import { setQuery } from '../routing/address.js';
import { Button } from '../ui/button.js';
import { oneLine } from '../ui/safe-text.js';
import { useCommands } from '../ui/shortcuts.js';
import { AGES, choicesIn, filters, isFiltered, ORDERS, STATUSES } from './filters.js';
import { summaries } from './summary-store.js';

/** The choices are those of the conversations that are here, looked at so often (ms). */
const CHOICES_EVERY_MS = 5_000;

/** Filters and order of the list. Their state is the address, so that it can be kept and passed on. */
export function FilterBar() {
  const search = useRef<HTMLInputElement>(null);
  const { text, status, tag, model, age, sort } = filters.value;
  // Not with each change: that would look at all conversations.
  const moment = summaries.loadState.value === 'complete' ? Math.floor(Date.now() / CHOICES_EVERY_MS) : -1;
  const { tags, models } = useMemo(
    () => choicesIn(summaries.byId.values()),
    [moment, summaries.loadState.value, summaries.byId.size],
  );
  useCommands([
    { keys: '/', label: 'Find conversations', group: 'Conversations', run: () => search.current?.focus() },
  ]);
  return (
    <div class="home-filter-bar" role="search" aria-label="Filter conversations">
      <input
        ref={search}
        type="search"
        placeholder="Find by title, reason, folder, tag, model"
        aria-label="Find conversations"
        title="Find conversations (/)"
        value={text}
        onInput={(event) => setQuery({ q: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur();
        }}
      />
      <Choice name="status" label="Status" value={status} none="Any status" choices={STATUSES} />
      <Choice name="tag" label="Tag" value={tag} none="Any tag" choices={named(tags, tag)} />
      <Choice name="model" label="Model" value={model} none="Any model" choices={named(models, model)} />
      <Choice name="age" label="Last change" value={age} none="Any time" choices={AGES} />
      <Choice name="sort" label="Order" value={sort} none="Last change" choices={ORDERS} />
      {isFiltered(filters.value) && (
        <Button kind="quiet" onClick={clearFilters}>
          Clear
        </Button>
      )}
    </div>
  );
}

/** Shows all conversations again; the order stays. */
export function clearFilters(): void {
  setQuery({ q: null, status: null, tag: null, model: null, age: null });
}

function Choice({
  name,
  label,
  value,
  none,
  choices,
}: {
  name: string;
  label: string;
  value: string;
  none: string;
  choices: Readonly<Record<string, string>>;
}) {
  return (
    <select
      aria-label={label}
      class={value === '' ? undefined : 'chosen'}
      value={value}
      onChange={(event) => setQuery({ [name]: event.currentTarget.value })}
    >
      <option value="">{none}</option>
      {Object.entries(choices).map(([key, text]) => (
        <option key={key} value={key}>
          {text}
        </option>
      ))}
    </select>
  );
}

/** A value of the address is a choice, even if nothing has it (any more). */
function named(values: readonly string[], current: string): Record<string, string> {
  const all = current === '' || values.includes(current) ? values : [current, ...values];
  return Object.fromEntries(all.map((value) => [value, oneLine(value, 60)]));
}
