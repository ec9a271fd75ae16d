/** Terminals that are shown. */
let users = 0;

/**
 * While a terminal is shown, what xterm.js does with styles is done in ways that the content security policy
 * of the page allows: `<style>` elements become style sheets of scripts, and attributes `style`, by which
 * cells get colours of their own, properties. (Its option `documentOverride` does not reach all such places
 * in version 6.0.0.)
 * @returns ends it
 */
export function allowStylesOfScripts(): () => void {
  if (users === 0) replaceCreateElement();
  users += 1;
  return () => {
    users -= 1;
    if (users === 0) Reflect.deleteProperty(document, 'createElement');
  };
}

/** Hides the method of all documents. */
function replaceCreateElement(): void {
  const create: unknown = Reflect.get(document, 'createElement');
  if (typeof create !== 'function') throw new TypeError('not a document');
  const value = (...args: unknown[]): unknown => {
    if (args[0] === 'style') return styleElement();
    const element: unknown = Reflect.apply(create, document, args);
    // Cells of terminals.
    if (args[0] === 'span' && element instanceof HTMLElement) element.setAttribute = setAttribute;
    return element;
  };
  Object.defineProperty(document, 'createElement', { value, configurable: true });
}

function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else HTMLElement.prototype.setAttribute.call(this, name, value);
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
