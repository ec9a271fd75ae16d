/**
 * Notes when an element is shown for the first time, after which the page is idle: `shownAt` reads it. Call
 * it before the page is opened.
 * @param text that the element contains
 */
export async function noteWhenShown(page, selector, text = '') {
  await page.addInitScript(
    ([wanted, part]) => {
      const look = () => {
        const elements = [...document.querySelectorAll(wanted)];
        if (!elements.some((element) => element.textContent.includes(part))) return;
        observer.disconnect();
        requestIdleCallback(() => (globalThis.shownAt = performance.now()));
      };
      const observer = new MutationObserver(look);
      observer.observe(document, { childList: true, subtree: true, characterData: true });
    },
    [selector, text],
  );
}

/** Milliseconds from the request of the page to what `noteWhenShown` waits for. */
export async function shownAt(page) {
  const found = await page.waitForFunction(() => globalThis.shownAt);
  return found.jsonValue();
}

/** Milliseconds from the request of the page to its first paint. */
export function paintedAt(page) {
  return page.evaluate(
    () =>
      performance.getEntriesByType('paint').find(({ name }) => name === 'first-contentful-paint').startTime,
  );
}

/** Scrolls an element by so many pixels in each of some frames. @returns the milliseconds of each frame */
export function scrollFrames(locator, pixels, frames) {
  return locator.evaluate(
    (element, [by, count]) =>
      new Promise((resolve) => {
        const times = [];
        let last = performance.now();
        const next = () => {
          const now = performance.now();
          times.push(now - last);
          last = now;
          if (times.length > count) return resolve(times.slice(1));
          element.scrollTop += by;
          requestAnimationFrame(next);
        };
        requestAnimationFrame(next);
      }),
    [pixels, frames],
  );
}
