/** A term and its value in a list of facts (`dl`); the title explains it. */
export function Fact({
  label,
  title,
  children,
}: {
  label: string;
  title?: string;
  children: preact.ComponentChildren;
}) {
  return (
    <div title={title}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
