import type { ComponentChildren } from 'preact';

/** What a control of a `FormField` needs to be connected with its texts. */
export interface ControlProps {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean;
}

/** A control with its label, an explanation, and the problem that the server found. */
export function FormField({
  id,
  label,
  help,
  problem,
  children,
}: {
  id: string;
  label: string;
  help?: ComponentChildren;
  problem?: string | undefined;
  children: (control: ControlProps) => ComponentChildren;
}) {
  const describedBy = [help === undefined ? '' : `${id}-help`, problem === undefined ? '' : `${id}-problem`]
    .filter((name) => name !== '')
    .join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-describedby': describedBy === '' ? undefined : describedBy,
        'aria-invalid': problem !== undefined,
      })}
      {problem !== undefined && (
        <p id={`${id}-problem`} class="field-problem">
          {problem}
        </p>
      )}
      {help !== undefined && (
        <p id={`${id}-help`} class="field-help">
          {help}
        </p>
      )}
    </div>
  );
}
