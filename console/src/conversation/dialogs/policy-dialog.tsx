import { useSignal } from '@preact/signals';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { RequestProblem } from '../../ui/request-problem.js';
import { useRequest } from '../../ui/use-request.js';
import type { ConfirmationPolicy } from '../conversation-requests.js';

type Kind = ConfirmationPolicy['kind'];

const CHOICES: readonly { kind: Kind; label: string; meaning: string }[] = [
  { kind: 'NeverConfirm', label: 'Never', meaning: 'The agent runs all its actions without asking.' },
  {
    kind: 'ConfirmRisky',
    label: 'Before risky actions',
    meaning:
      'Actions from the risk below on wait for you. The model or a security analyzer assesses the risk.',
  },
  { kind: 'AlwaysConfirm', label: 'Before every action', meaning: 'Nothing runs until you approve it.' },
];
const THRESHOLDS = ['LOW', 'MEDIUM', 'HIGH'] as const;

/** A policy in a few words, for the header. */
export function policyLabel(policy: ConfirmationPolicy): string {
  if (policy.kind === 'AlwaysConfirm') return 'Asks before every action';
  if (policy.kind === 'ConfirmRisky')
    return `Asks from ${(policy.threshold ?? 'HIGH').toLowerCase()} risk on`;
  return 'Never asks';
}

/** Chooses which actions wait for an approval. */
export function PolicyDialog({
  policy,
  hasAnalyzer,
  onSave,
  onClose,
}: {
  policy: ConfirmationPolicy;
  hasAnalyzer: boolean;
  onSave: (policy: ConfirmationPolicy) => Promise<unknown>;
  onClose: () => void;
}) {
  const kind = useSignal<Kind>(policy.kind);
  const threshold = useSignal(policy.kind === 'ConfirmRisky' ? (policy.threshold ?? 'HIGH') : 'HIGH');
  const asksUnknown = useSignal(policy.kind === 'ConfirmRisky' ? (policy.confirm_unknown ?? true) : true);
  const save = useRequest(onSave);
  const chosen = (): ConfirmationPolicy =>
    kind.value === 'ConfirmRisky'
      ? { kind: 'ConfirmRisky', threshold: threshold.value, confirm_unknown: asksUnknown.value }
      : { kind: kind.value };
  return (
    <Dialog title="When does the agent wait for an approval?" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void save.run(chosen()).then((isDone) => {
            if (isDone) onClose();
          });
        }}
      >
        <div role="radiogroup" aria-label="Approval" class="choices">
          {CHOICES.map((choice) => (
            <label key={choice.kind} class="choice">
              <input
                type="radio"
                name="policy"
                checked={kind.value === choice.kind}
                onChange={() => {
                  kind.value = choice.kind;
                }}
              />
              <span>
                <strong>{choice.label}</strong>
                <span class="field-help">{choice.meaning}</span>
              </span>
            </label>
          ))}
        </div>
        {kind.value === 'ConfirmRisky' && (
          <>
            <label class="field">
              <span>From this risk on</span>
              <select
                value={threshold.value}
                onChange={(event) => {
                  threshold.value = THRESHOLDS[event.currentTarget.selectedIndex] ?? 'HIGH';
                }}
              >
                {THRESHOLDS.map((risk) => (
                  <option key={risk} value={risk}>
                    {risk.toLowerCase()}
                  </option>
                ))}
              </select>
            </label>
            <label class="check">
              <input
                type="checkbox"
                checked={asksUnknown.value}
                onChange={(event) => {
                  asksUnknown.value = event.currentTarget.checked;
                }}
              />
              Also if the risk is not known
            </label>
            {!hasAnalyzer && (
              <p class="field-help">
                This conversation has no security analyzer: the risk of all actions is unknown.
              </p>
            )}
          </>
        )}
        <p class="field-help">It applies from the next action on. What waits already goes on waiting.</p>
        <RequestProblem problem={save.problem} />
        <div class="form-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={save.isBusy}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
