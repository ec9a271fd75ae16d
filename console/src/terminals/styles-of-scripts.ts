/**
 * Runs code of xterm.js that creates `<style>` elements and writes into them, also later. The content
 * security policy of the page does not allow these, but style sheets of scripts: each element is a stand-in
 * for one. (Its option `documentOverride` does not reach all such places in version 6.0.0.)
 */
export function withStylesOfScripts(work: () => void): void {
  const create: unknown = Reflect.get(document, 'createElement');
  if (typeof create !== 'function') throw new TypeError('not a document');
  const value = (...args: unknown[]): unknown =>
    args[0] === 'style' ? styleElement() : Reflect.apply(create, document, args);
  // Hides the method of all documents.
  Object.defineProperty(document, 'createElement', { value, configurable: true });
  try {
    work();
  } finally {
    Reflect.deleteProperty(document, 'createElement');
  }
}

function styleElement(): HTMLElement {
  // Even an empty element of styles is reported as a violation.
  const element = document.createElement('span');
  element.hidden = true;
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  let text = '';
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set: (next: string) => {
      text = next;
      sheet.replaceSync(next);
    },
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    HTMLElement.prototype.remove.call(element);
  };
  return element;
}
