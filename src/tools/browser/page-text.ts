/** Longer pages are cut (characters), to bound memory. */
const MAX_CHARACTERS = 2_000_000;

/**
 * A script that returns the page's text as markdown. It runs in the page. It is a string, because compiled
 * functions may refer to helpers that do not exist in the page.
 * @param links whether links include their targets
 */
export function pageTextScript(links: boolean): string {
  return `(${READ_PAGE})(${links}, ${MAX_CHARACTERS})`;
}

const READ_PAGE = String.raw`(links, limit) => {
  const SKIPPED = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'SVG', 'HEAD', 'IFRAME', 'CANVAS', 'SELECT']);
  const BLOCKS = /^(block|flex|grid|table|list-item|flow-root|table-row|table-caption)$/;
  let length = 0;
  const flat = (text) => text.replace(/\s+/g, ' ');
  const children = (node) => {
    const nodes = node.shadowRoot ? node.shadowRoot.childNodes : node.childNodes;
    let text = '';
    for (const child of nodes) {
      if (length > limit) break;
      text += read(child);
    }
    return text;
  };
  const line = (text) => flat(text).trim();
  const rows = (table) =>
    [...table.rows].map((row, index) => {
      const cells = [...row.cells].map((cell) => line(children(cell)).replaceAll('|', '\\|'));
      const text = '| ' + cells.join(' | ') + ' |';
      return index === 0 ? text + '\n|' + ' --- |'.repeat(cells.length) : text;
    });
  const read = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      length += node.data.length;
      return flat(node.data);
    }
    if (node.nodeType !== Node.ELEMENT_NODE || SKIPPED.has(node.tagName.toUpperCase())) return '';
    const style = getComputedStyle(node);
    if (style.display === 'none' || style.visibility === 'hidden') return '';
    const tag = node.tagName;
    if (/^H[1-6]$/.test(tag)) return '\n\n' + '#'.repeat(Number(tag[1])) + ' ' + line(children(node)) + '\n\n';
    if (tag === 'BR') return '\n';
    if (tag === 'HR') return '\n\n---\n\n';
    if (tag === 'PRE') return '\n\n' + '\u0060\u0060\u0060' + '\n' + node.innerText.trimEnd() + '\n' + '\u0060\u0060\u0060' + '\n\n';
    if (tag === 'CODE') return '\u0060' + node.innerText + '\u0060';
    if (tag === 'IMG') return node.alt ? '[image: ' + line(node.alt) + ']' : '';
    if (tag === 'TABLE') return '\n\n' + rows(node).join('\n') + '\n\n';
    if (tag === 'LI') {
      const mark = node.parentElement && node.parentElement.tagName === 'OL' ? '1. ' : '- ';
      return '\n' + mark + children(node).trim().replaceAll('\n', '\n  ') + '\n';
    }
    if (tag === 'BLOCKQUOTE') return '\n\n> ' + children(node).trim().replaceAll('\n', '\n> ') + '\n\n';
    const text = children(node);
    if (tag === 'A' && links && node.href && line(text)) return '[' + line(text) + '](' + node.href + ')';
    if (tag === 'P') return '\n\n' + text.trim() + '\n\n';
    return BLOCKS.test(style.display) ? '\n' + text + '\n' : text;
  };
  const text = document.body ? read(document.body) : '';
  return text.replace(/[ \t]+\n/g, '\n').replace(/\n{3,}/g, '\n\n').trim().slice(0, limit);
}`;
