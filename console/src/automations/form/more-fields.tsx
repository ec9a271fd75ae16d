import { Field, TextField } from '../../ui/field.js';
import type { FormPart } from './form-part.js';
import type { FormValues } from './form-values.js';

const TEXTS: readonly {
  field: keyof FormValues;
  label: string;
  placeholder?: string;
  help?: string;
}[] = [
  {
    field: 'repository',
    label: 'Repository',
    placeholder: 'owner/name',
    help: 'On GitHub, or any address for git.',
  },
  { field: 'branch', label: 'Branch', placeholder: 'the default branch' },
  { field: 'workspace', label: 'Folder', placeholder: 'one of its own for each run' },
  { field: 'timeout', label: 'Time limit (seconds)', placeholder: 'default' },
  { field: 'budget', label: 'Budget of a run (USD)', placeholder: 'no limit' },
  { field: 'retries', label: 'Repeats after a failure' },
  { field: 'disableAfter', label: 'Switch off after failures in a row', placeholder: 'never' },
];
const OVERLAPS = [
  ['', 'Skip times of the schedule, let others wait'],
  ['skip', 'Skip'],
  ['queue', 'Wait'],
  ['parallel', 'Run beside it'],
] as const;
const CATCH_UPS = [
  ['one', 'One run for all of them'],
  ['none', 'None'],
  ['all', 'A run for each'],
] as const;

/** What most automations need not say. */
export function MoreFields({ values, set, problemOf }: FormPart) {
  return (
    <details class="more-options">
      <summary>More</summary>
      <div class="form two-columns">
        {TEXTS.map(({ field, ...rest }) => (
          <TextField
            key={field}
            {...rest}
            value={String(values[field])}
            problem={problemOf(field)}
            onValue={(text) => set({ [field]: text })}
          />
        ))}
        <Choice
          label="While a run is active"
          value={values.overlap}
          choices={OVERLAPS}
          onValue={(overlap) => set({ overlap })}
        />
        <Choice
          label="Times that were missed"
          value={values.catchUp}
          choices={CATCH_UPS}
          onValue={(catchUp) => set({ catchUp })}
        />
      </div>
    </details>
  );
}

function Choice({
  label,
  value,
  choices,
  onValue,
}: {
  label: string;
  value: string;
  choices: readonly (readonly [string, string])[];
  onValue: (value: string) => void;
}) {
  return (
    <Field label={label}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {choices.map(([each, text]) => (
            <option key={each} value={each}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
