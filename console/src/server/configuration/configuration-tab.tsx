import { useSignal } from '@preact/signals';
import { api, call, type Schemas } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { setQuery, viewQuery } from '../../routing/address.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { bytes } from '../../ui/numbers.js';
import { visible } from '../../ui/safe-text.js';
import { WithCode } from '../../ui/with-code.js';

type Option = Schemas['ConfigurationField'];

const SOURCES: Readonly<Record<Option['source']['kind'], string>> = {
  default: 'default',
  file: 'file',
  variable: 'variable',
  command_line: 'command line',
  init: 'POST /api/init',
};
/** Longer values are folded (characters). */
const MAX_VALUE = 200;

/** Which value each option has, and where it comes from. */
export function ConfigurationTab() {
  const { data, error, reload } = useFetched((signal) =>
    call(api.GET('/api/server/configuration', { signal })),
  );
  if (data === undefined)
    return <NotFetched title="The configuration could not be read" error={error} reload={reload} />;
  const text = viewQuery.value.get('find') ?? '';
  const onlySet = viewQuery.value.get('show') === 'set';
  const words = text.toLowerCase().split(/\s+/);
  const groups = data.groups
    .map(({ title, fields }) => ({
      title,
      fields: fields.filter((field) => (!onlySet || isSet(field)) && matches(field, title, words)),
    }))
    .filter(({ fields }) => fields.length > 0);
  const count = groups.reduce((sum, { fields }) => sum + fields.length, 0);
  return (
    <div class="page-body configuration">
      <div class="find-bar">
        <input
          type="search"
          aria-label="Find an option"
          placeholder="Find an option"
          value={text}
          onInput={(event) => setQuery({ find: event.currentTarget.value })}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={onlySet}
            onChange={(event) => setQuery({ show: event.currentTarget.checked ? 'set' : null })}
          />
          Only what is set
        </label>
        <span class="soft" role="status">
          {count} option{count === 1 ? '' : 's'}
        </span>
      </div>
      <p class="soft">
        Read at the start from <code>{visible(data.file.name)}</code>
        {data.file.exists ? '' : ' (no such file)'}, then from variables and the command line; below{' '}
        <code>{visible(data.base_dir)}</code>. Secrets are masked.
      </p>
      {data.warnings.length > 0 && (
        <ul class="warnings" aria-label="Warnings about the configuration">
          {data.warnings.map((warning) => (
            <li key={warning}>{visible(warning)}</li>
          ))}
        </ul>
      )}
      {count === 0 && <NothingFound text={text} onlySet={onlySet} />}
      {groups.map(({ title, fields }) => (
        <section key={title} class="card config-group" aria-label={title}>
          <h2>{title}</h2>
          {fields.map((field) => (
            <OptionRow key={field.name} field={field} />
          ))}
        </section>
      ))}
    </div>
  );
}

function NothingFound({ text, onlySet }: { text: string; onlySet: boolean }) {
  return (
    <p class="soft">
      {text === ''
        ? 'Every option has its default.'
        : `No option ${onlySet ? 'that is set ' : ''}contains “${text}” in its name, variable, value or description.`}
    </p>
  );
}

function OptionRow({ field }: { field: Option }) {
  const { name, variable, description, expected, source } = field;
  return (
    <div class={`config-row${isSet(field) ? ' is-set' : ''}`}>
      <div class="config-name">
        <code>{visible(name)}</code>
        {variable !== null && <code class="config-variable">{visible(variable)}</code>}
      </div>
      <div class="config-value">
        <span>
          <Value value={field.value} /> {sizeOf(field)}
        </span>
        <span class={`source ${source.kind}`} title={source.name ?? undefined}>
          {SOURCES[source.kind]}
          {source.name !== null && source.kind !== 'init' && ` ${visible(source.name)}`}
        </span>
      </div>
      <div class="config-about">
        <WithCode text={description} />
        <small>
          Takes {expected}
          {!field.is_default && !field.secret && <>; default {shown(field.default)}</>}.
        </small>
      </div>
    </div>
  );
}

function Value({ value }: { value: unknown }) {
  const isOpen = useSignal(false);
  const text = visible(shown(value));
  if (text.length <= MAX_VALUE) return <code class={value === null ? 'fainter' : undefined}>{text}</code>;
  return (
    <>
      <code>{isOpen.value ? text : `${text.slice(0, MAX_VALUE)}…`}</code>{' '}
      <button
        type="button"
        class="text-button"
        aria-expanded={isOpen.value}
        onClick={() => (isOpen.value = !isOpen.value)}
      >
        {isOpen.value ? 'Show less' : 'Show all'}
      </button>
    </>
  );
}

/** A number of bytes as people read it. */
function sizeOf({ name, value }: Option): string {
  return name.includes('bytes') && typeof value === 'number' && value >= 1024 ? `(${bytes(value)})` : '';
}

/** Texts as they are, everything else as JSON. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return value === '' ? '""' : value;
  return JSON.stringify(value, null, typeof value === 'object' ? 1 : undefined)
    .replace(/\n\s*/g, ' ')
    .trim();
}

function isSet({ source, is_default }: Option): boolean {
  return source.kind !== 'default' || !is_default;
}

function matches(field: Option, title: string, words: readonly string[]): boolean {
  const { name, variable, description, source } = field;
  const text = [title, name, variable, description, source.name, shown(field.value)].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}
