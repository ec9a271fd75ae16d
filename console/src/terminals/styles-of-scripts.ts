/**
 * Runs code of xterm.js that creates `<style>` elements and writes into them, also later. The content security
 * policy of the page does not allow these, but style sheets of scripts: each element is a stand-in for one.
 * (Its option `documentOverride` does not reach all such places in version 6.0.0.)
 */
export function withStylesOfScripts(work: () => void): void {
  const create = document.createElement.bind(document);
  document.createElement = ((tag: string, options?: ElementCreationOptions) =>
    tag === 'style' ? styleElement(create) : create(tag, options)) as Document['createElement'];
  try {
    work();
  } finally {
    Reflect.deleteProperty(document, 'createElement');
  }
}

function styleElement(create: (tag: 'span') => HTMLElement): HTMLElement {
  // Even an empty element of styles is reported as a violation.
  const element = create('span');
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
