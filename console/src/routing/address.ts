import { computed, signal } from '@preact/signals';

/** The address of `/console/`, wherever a proxy has put it; the server writes it into the page. */
export const CONSOLE_URL = new URL(document.baseURI);
/** The address of the server. */
export const SERVER_URL = new URL('..', CONSOLE_URL);

/** What the address bar shows. */
const href = signal(location.href);

/** The path of the view below the console, such as `conversations/<id>`; empty for the home view. */
export const viewPath = computed(() => pathIn(new URL(href.value)));
/** The query of the address. */
export const viewQuery = computed(() => new URL(href.value).searchParams);

function pathIn({ pathname }: URL): string {
  return pathname.startsWith(CONSOLE_URL.pathname) ? pathname.slice(CONSOLE_URL.pathname.length) : '';
}

/** Called before the view changes; answers false to stay (unsaved input). */
const guards = new Set<() => boolean>();

/** Asks before the person leaves a view. @returns a function that removes the guard */
export function guardNavigation(mayLeave: () => boolean): () => void {
  guards.add(mayLeave);
  return () => guards.delete(mayLeave);
}

/** Opens a view. @param to a path below the console, with an optional query */
export function navigate(to: string, { replace = false } = {}): void {
  const next = new URL(to, CONSOLE_URL);
  if (next.href === location.href) return;
  const isOtherView = pathIn(next) !== viewPath.value;
  if (isOtherView && ![...guards].every((mayLeave) => mayLeave())) return;
  if (replace) history.replaceState(null, '', next);
  else history.pushState(null, '', next);
  href.value = next.href;
  if (isOtherView && !replace) scrollTo(0, 0);
}

/** Changes fields of the query in place; null removes one. */
export function setQuery(changes: Readonly<Record<string, string | null>>): void {
  const next = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.searchParams.delete(name);
    else next.searchParams.set(name, value);
  }
  history.replaceState(null, '', next);
  href.value = next.href;
}

/** Follows links within the console without loading the page again. Call it once. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    href.value = location.href;
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.hasAttribute('download')) return;
    const place = link.getAttribute('href');
    if (place?.startsWith('#')) {
      // The base of the page is not its address, so a browser would leave the view.
      event.preventDefault();
      goTo(place.slice(1));
      return;
    }
    const url = new URL(link.href);
    const isOurs = url.origin === CONSOLE_URL.origin && url.pathname.startsWith(CONSOLE_URL.pathname);
    if (!isOurs || (url.hash && url.pathname === location.pathname)) return;
    event.preventDefault();
    navigate(url.href);
  });
}

/** Moves to a part of the view. */
function goTo(id: string): void {
  const target = document.getElementById(id);
  target?.scrollIntoView();
  target?.focus({ preventScroll: true });
}
