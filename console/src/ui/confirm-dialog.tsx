import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { messageOf } from '../api/api-error.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';

/** Asks before something is removed. */
export function ConfirmDialog({
  title,
  action,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  /** The text of the button. */
  action: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const isBusy = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const confirm = async (): Promise<void> => {
    isBusy.value = true;
    problem.value = undefined;
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      problem.value = messageOf(error);
      isBusy.value = false;
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="soft">{children}</div>
      {problem.value !== undefined && (
        <p class="field-problem" role="alert">
          {problem.value}
        </p>
      )}
      <div class="form-actions">
        <Button autofocus onClick={onClose}>
          Cancel
        </Button>
        <Button kind="danger" busy={isBusy.value} onClick={() => void confirm()}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
