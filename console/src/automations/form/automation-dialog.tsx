import { useSignal } from '@preact/signals';
import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { Dialog } from '../../ui/dialog.js';
import { Field, TextField } from '../../ui/field.js';
import { NO_PROBLEMS, problemsOf, type FormProblems } from '../../ui/form-problems.js';
import { visible } from '../../ui/safe-text.js';
import { StoreFoot } from '../../ui/store-foot.js';
import { changeAutomation, createAutomation } from '../automation-requests.js';
import type { Automation } from '../automation-texts.js';
import type { FormPart } from './form-part.js';
import { bodyOf, changesIn, FIELD_PATHS, valuesOf } from './form-values.js';
import { MoreFields } from './more-fields.js';
import { TriggerFields } from './trigger-fields.js';

/** Makes an automation, or changes one. */
export function AutomationDialog({
  automation,
  onClose,
}: {
  /** Undefined: a new one. */
  automation?: Automation;
  /** @param stored undefined if nothing was stored */
  onClose: (stored?: Automation) => void;
}) {
  const before = useSignal(valuesOf(automation)).peek();
  const values = useSignal(before);
  const problems = useSignal<FormProblems>(NO_PROBLEMS);
  const isBusy = useSignal(false);
  const profiles = useFetched((signal) => call(api.GET('/api/profiles', { signal })));
  const save = async (): Promise<void> => {
    isBusy.value = true;
    problems.value = NO_PROBLEMS;
    try {
      onClose(
        automation === undefined
          ? await createAutomation(bodyOf(values.value))
          : await changeAutomation(automation.id, changesIn(before, values.value)),
      );
    } catch (error) {
      problems.value = problemsOf(error, Object.values(FIELD_PATHS).flat());
      isBusy.value = false;
    }
  };
  const part: FormPart = {
    values: values.value,
    set: (changes) => (values.value = { ...values.peek(), ...changes }),
    problemOf: (field) =>
      FIELD_PATHS[field]?.map((path) => problems.value.fields[path]).find((text) => text !== undefined),
  };
  const { name, prompt, model } = part.values;
  const names = profiles.data?.profiles.map((profile) => profile.name) ?? [];
  return (
    <Dialog
      wide
      title={automation === undefined ? 'New automation' : 'Edit the automation'}
      onClose={() => onClose()}
    >
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextField
          label="Name"
          placeholder="Morning digest"
          autofocus
          required
          value={name}
          problem={part.problemOf('name')}
          onValue={(text) => part.set({ name: text })}
        />
        <Field label="What should the agent do?" problem={part.problemOf('prompt')}>
          {(attributes) => (
            <textarea
              {...attributes}
              rows={5}
              required
              value={prompt}
              placeholder="Each run is a new conversation with this message. Nobody answers questions or approvals."
              onInput={(event) => part.set({ prompt: event.currentTarget.value })}
            />
          )}
        </Field>
        <TriggerFields {...part} own={automation?.id} />
        <Field label="Model" problem={part.problemOf('model')}>
          {(attributes) => (
            <select
              {...attributes}
              value={model}
              onChange={(event) => part.set({ model: event.currentTarget.value })}
            >
              <option value="">That of the active agent or the settings</option>
              {[...new Set([...names, ...(model === '' ? [] : [model])])].map((profile) => (
                <option key={profile} value={profile}>
                  {visible(profile)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <MoreFields {...part} />
        <StoreFoot
          problem={problems.value.other}
          isBusy={isBusy.value}
          onCancel={() => onClose()}
          action={automation === undefined ? 'Create' : 'Store'}
        />
      </form>
    </Dialog>
  );
}
