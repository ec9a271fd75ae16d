import { useSignal } from '@preact/signals';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { money } from '../../ui/numbers.js';
import { RequestProblem } from '../../ui/request-problem.js';
import { useRequest } from '../../ui/use-request.js';

/** Changes what a run may cost. */
export function BudgetDialog({
  budget,
  cost,
  onSave,
  onClose,
}: {
  budget: number | undefined;
  cost: number;
  onSave: (budget: number | null) => Promise<unknown>;
  onClose: () => void;
}) {
  const text = useSignal(budget === undefined ? '' : String(budget));
  const save = useRequest(onSave);
  const amount = Number(text.value.replace(',', '.'));
  const isEmpty = text.value.trim() === '';
  const isWrong = !isEmpty && !(amount > 0 && Number.isFinite(amount));
  return (
    <Dialog title="Budget" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isWrong) return;
          void save.run(isEmpty ? null : amount).then((isDone) => {
            if (isDone) onClose();
          });
        }}
      >
        <label class="field">
          <span>Budget of a run in US dollars</span>
          <input
            type="text"
            inputMode="decimal"
            autofocus
            aria-invalid={isWrong}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
          <span class={isWrong ? 'field-problem' : 'field-help'}>
            {isWrong
              ? 'Enter an amount above 0, such as 1.50.'
              : `A run ends with an error when it has cost this much. Empty: no limit. So far ${money(cost)}.`}
          </span>
        </label>
        <RequestProblem problem={save.problem} />
        <div class="form-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={save.isBusy} disabled={isWrong}>
            {isEmpty ? 'Remove the budget' : 'Set the budget'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
