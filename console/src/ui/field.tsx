import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  /** Id of the control, if something else refers to it. */
  id?: string;
  label: string;
  help?: ComponentChildren;
  /** Why the value is refused. */
  problem?: string | undefined;
  /** Gets the attributes that connect a control with its texts. */
  children: (attributes: ControlAttributes) => ComponentChildren;
}

/** What a control in a field needs. */
interface ControlAttributes {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
}

/** A control of a form with its label, its help and the problem of its value. */
export function Field({ id: given, label, help, problem, children }: FieldProps) {
  const own = useId();
  const id = given ?? own;
  const describedBy = [help !== undefined && `${id}-help`, problem !== undefined && `${id}-problem`].filter(
    (name) => name !== false,
  );
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-describedby': describedBy.length > 0 ? describedBy.join(' ') : undefined,
        'aria-invalid': problem === undefined ? undefined : true,
      })}
      {problem !== undefined && (
        <p id={`${id}-problem`} class="field-problem" role="alert">
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

interface TextFieldProps extends Omit<FieldProps, 'children'> {
  value: string;
  onValue: (value: string) => void;
  /** Its characters are not shown. */
  isSecret?: boolean;
  placeholder?: string;
  required?: boolean;
  autofocus?: boolean;
  /** Id of a `datalist` with proposals. */
  proposals?: string;
}

/** A field of one line. */
export function TextField({
  label,
  help,
  problem,
  value,
  onValue,
  isSecret,
  proposals,
  ...rest
}: TextFieldProps) {
  return (
    <Field label={label} help={help} problem={problem}>
      {(attributes) => {
        const common = {
          ...rest,
          ...attributes,
          value,
          spellcheck: false,
          onInput: (event: { currentTarget: { value: string } }) => onValue(event.currentTarget.value),
        };
        if (isSecret) return <input type="password" autocomplete="new-password" {...common} />;
        if (proposals !== undefined)
          return <input type="text" autocomplete="off" list={proposals} {...common} />;
        return <input type="text" autocomplete="off" list={undefined} {...common} />;
      }}
    </Field>
  );
}
