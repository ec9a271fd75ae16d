import type { ButtonHTMLAttributes } from 'preact';

type Props = Omit<ButtonHTMLAttributes, 'class'> & {
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  /** Only an icon: give it an `aria-label`. */
  square?: boolean;
  /** The request that it started is under way. */
  busy?: boolean;
};

/** A button; it submits no form unless its `type` says so. */
export function Button({ kind = 'plain', square, busy, disabled, type = 'button', ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      class={`button ${kind}${square ? ' square' : ''}`}
      disabled={busy === true ? true : disabled}
      aria-busy={busy}
    />
  );
}
