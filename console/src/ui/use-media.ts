import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** Whether a media query matches; the component is rendered again when that changes. */
export function useMedia(query: MediaQueryList): boolean {
  const matches = useSignal(query.matches);
  useEffect(() => {
    const read = (): void => {
      matches.value = query.matches;
    };
    read();
    query.addEventListener('change', read);
    return () => query.removeEventListener('change', read);
  }, [query]);
  return matches.value;
}
