import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { viewPath } from '../routing/address.js';

/** How long a view may load until its heading is not waited for any more. */
const PATIENCE_MS = 5_000;
const said = signal('');

/**
 * After a navigation: moves the focus to the heading of the new view, so that screen readers read it and Tab
 * goes on from there. Where the view has put the focus itself (into a field), its heading is announced.
 */
export function ViewFocus() {
  const isFirst = useRef(true);
  useEffect(() => {
    // The browser itself announces a page that it has loaded.
    if (isFirst.current) {
      isFirst.current = false;
      return undefined;
    }
    return whenHeadingIsThere(arrive);
  }, [viewPath.value]);
  return (
    <p class="visually-hidden" aria-live="polite">
      {said.value}
    </p>
  );
}

function arrive(heading: HTMLElement, main: HTMLElement): void {
  if (main.contains(document.activeElement) && document.activeElement !== main) {
    said.value = heading.textContent;
  } else if (document.querySelector('dialog[open]') === null) {
    said.value = '';
    if (!heading.hasAttribute('tabindex')) heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
}

/** @returns a function that ends the wait */
function whenHeadingIsThere(then: typeof arrive): () => void {
  const main = document.querySelector('main');
  if (main === null) return () => undefined;
  // A view that has failed has no other heading than that of its problem.
  const look = (): void => {
    const heading = main.querySelector<HTMLElement>('h1, .problem h2');
    if (heading === null) return;
    stop();
    then(heading, main);
  };
  // The old view is still there until the next one is drawn.
  const frame = requestAnimationFrame(look);
  const observer = new MutationObserver(look);
  observer.observe(main, { childList: true, subtree: true });
  const timer = setTimeout(() => stop(), PATIENCE_MS);
  const stop = (): void => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    clearTimeout(timer);
  };
  return stop;
}
