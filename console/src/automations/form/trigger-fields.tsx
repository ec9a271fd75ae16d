import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { Field, TextField } from '../../ui/field.js';
import { oneLine, visible } from '../../ui/safe-text.js';
import { listAutomations } from '../automation-requests.js';
import type { FormPart } from './form-part.js';
import type { TriggerKind } from './form-values.js';
import { ScheduleFields } from './schedule-fields.js';

const KINDS: readonly (readonly [TriggerKind, string])[] = [
  ['cron', 'At fixed times'],
  ['event', 'When an event arrives'],
  ['chain', 'After other work'],
  ['manual', 'Only by hand'],
];

/** When the automation is due. */
export function TriggerFields({ own, ...part }: FormPart & { own: string | undefined }) {
  const { kind } = part.values;
  return (
    <>
      <fieldset class="kind-choices">
        <legend>It runs</legend>
        {KINDS.map(([each, label]) => (
          <label key={each} class="check">
            <input
              type="radio"
              name="trigger"
              checked={kind === each}
              onChange={() => part.set({ kind: each })}
            />
            {label}
          </label>
        ))}
      </fieldset>
      {kind === 'cron' && <ScheduleFields {...part} />}
      {kind === 'event' && <EventFields {...part} />}
      {kind === 'chain' && <ChainFields {...part} own={own} />}
    </>
  );
}

function EventFields({ values, set, problemOf }: FormPart) {
  const sources = useFetched((signal) =>
    call(api.GET('/api/automation/v1/webhooks', { params: { query: { limit: 200 } }, signal })),
  );
  const known = sources.data?.webhooks.map(({ source }) => source) ?? [];
  return (
    <div class="form two-columns">
      <TextField
        label="Source"
        required
        proposals="automation-sources"
        placeholder="github"
        help={
          known.length === 0 ? (
            <>
              That of a webhook: <a href="automations/webhooks">make one</a>.
            </>
          ) : (
            `Webhooks: ${known.slice(0, 5).join(', ')}`
          )
        }
        value={values.source}
        problem={problemOf('source')}
        onValue={(source) => set({ source })}
      />
      <datalist id="automation-sources">
        {known.map((source) => (
          <option key={source} value={source} />
        ))}
      </datalist>
      <TextField
        label="Events"
        required
        placeholder="push, pull_request.opened"
        help="Patterns with * and ?, separated by commas."
        value={values.events}
        problem={problemOf('events')}
        onValue={(events) => set({ events })}
      />
      <TextField
        label="Filter (optional)"
        placeholder="glob(ref, 'refs/heads/release-*')"
        help="JMESPath over the payload. Only events for which it is true count."
        value={values.filter}
        problem={problemOf('filter')}
        onValue={(filter) => set({ filter })}
      />
      <TextField
        label="One conversation per (optional)"
        placeholder="to_string(pull_request.number)"
        help="JMESPath for a subject. Later events of a subject go to its conversation."
        value={values.subject}
        problem={problemOf('subject')}
        onValue={(subject) => set({ subject })}
      />
    </div>
  );
}

function ChainFields({ values, set, problemOf, own }: FormPart & { own: string | undefined }) {
  const others = useFetched((signal) => listAutomations(200, signal));
  const offered = others.data?.automations.filter(({ id }) => id !== own) ?? [];
  return (
    <div class="form">
      <Field label="After" problem={problemOf('after')}>
        {(attributes) => (
          <select
            {...attributes}
            value={values.after}
            onChange={(event) => set({ after: event.currentTarget.value })}
          >
            <option value="">Conversations that people have started</option>
            {offered.map(({ id, name }) => (
              <option key={id} value={id}>
                {oneLine(name, 80)}
              </option>
            ))}
            {values.after !== '' && !offered.some(({ id }) => id === values.after) && (
              <option value={values.after}>{visible(values.after)}</option>
            )}
          </select>
        )}
      </Field>
      <label class="check">
        <input
          type="checkbox"
          checked={values.afterFailure}
          onChange={(event) => set({ afterFailure: event.currentTarget.checked })}
        />
        Also after one that has failed
      </label>
    </div>
  );
}
