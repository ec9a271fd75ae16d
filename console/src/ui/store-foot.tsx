import { Button } from './button.js';

/** The end of a form that is stored: what is wrong besides its fields, and the buttons. */
export function StoreFoot({
  problem,
  isBusy,
  onCancel,
  action = 'Store',
}: {
  problem: string | undefined;
  isBusy: boolean;
  onCancel: () => void;
  /** The text of the button. */
  action?: string;
}) {
  return (
    <>
      {problem !== undefined && (
        <p class="field-problem" role="alert">
          {problem}
        </p>
      )}
      <div class="form-actions">
        <Button onClick={onCancel}>Cancel</Button>
        <Button kind="primary" type="submit" busy={isBusy}>
          {action}
        </Button>
      </div>
    </>
  );
}
