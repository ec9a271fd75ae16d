/** Shown while something is fetched; invisible for the first moment, so that fast answers do not flicker. */
export function Loading({ label = 'Loading' }: { label?: string }) {
  return (
    <div class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      {label}
    </div>
  );
}
