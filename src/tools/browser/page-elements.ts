import { isJsonObject } from '../../json/index.js';

/** Something on a page that can be clicked or filled in. */
export interface PageElement {
  /** Playwright's reference to the element. Valid until the page changes. */
  ref: string;
  role: string;
  /** The accessible name, or the inner text. */
  name: string;
  /** The content of a field. */
  value?: string;
  /** The target of a link, as written in the page. */
  url?: string;
  placeholder?: string;
  /** The options of a list. */
  options?: string[];
  /** Active states: checked, disabled, ... */
  states?: string[];
}

const INTERACTIVE = new Set([
  ...[
    'link',
    'button',
    'textbox',
    'searchbox',
    'combobox',
    'listbox',
    'checkbox',
    'radio',
    'switch',
    'slider',
  ],
  ...['spinbutton', 'tab', 'menuitem', 'menuitemcheckbox', 'menuitemradio', 'option', 'treeitem'],
]);
const FIELDS = new Set(['textbox', 'searchbox', 'combobox', 'spinbutton', 'slider']);
const STATES = ['checked', 'disabled', 'expanded', 'pressed', 'selected'];
const MAX_NAME = 200;
const MAX_OPTIONS = 100;

/**
 * The interactive elements of a page in document order, including those in frames.
 * @param tree Playwright's accessibility tree: nodes with `role`, `name`, `ref`, `children`, ...
 */
export function pageElements(tree: unknown): PageElement[] {
  const found: PageElement[] = [];
  collect(tree, false, found);
  return found;
}

function collect(node: unknown, inside: boolean, found: PageElement[]): void {
  if (Array.isArray(node)) {
    for (const child of node) collect(child, inside, found);
    return;
  }
  if (!isJsonObject(node)) return;
  const element = inside ? undefined : elementOf(node);
  if (element) found.push(element);
  // Elements inside a clickable one belong to it: the icon of a button, the text of a link.
  const within =
    inside || (element !== undefined && node['cursor'] === 'pointer' && !INTERACTIVE.has(element.role));
  if (element?.options === undefined) collect(node['children'], within, found);
}

function elementOf(node: Record<string, unknown>): PageElement | undefined {
  const { ref, role } = node;
  if (typeof ref !== 'string' || typeof role !== 'string') return undefined;
  if (!INTERACTIVE.has(role) && !(node['cursor'] === 'pointer' && hasNoInteractiveContent(node)))
    return undefined;
  const options = optionsOf(node['children']);
  const states = STATES.filter((state) => node[state] === true || node[state] === 'mixed');
  const isField = FIELDS.has(role);
  return {
    ref,
    role,
    name: shorten(text(node['name']) || (isField || options.length > 0 ? '' : innerText(node))),
    ...(isField && text(node['text']) !== '' && { value: shorten(text(node['text'])) }),
    ...(typeof node['url'] === 'string' && { url: node['url'] }),
    ...(typeof node['placeholder'] === 'string' && { placeholder: node['placeholder'] }),
    ...(options.length > 0 && { options }),
    ...(states.length > 0 && { states }),
  };
}

/**
 * An element that contains interactive ones does not count: a page may set the pointer cursor on everything.
 */
function hasNoInteractiveContent(node: Record<string, unknown>): boolean {
  return !containsInteractive(node['children']);
}

function containsInteractive(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(containsInteractive);
  if (!isJsonObject(node)) return false;
  return INTERACTIVE.has(text(node['role'])) || containsInteractive(node['children']);
}

function optionsOf(children: unknown): string[] {
  if (!Array.isArray(children)) return [];
  const options = children.flatMap((child: unknown): string[] => {
    if (!isJsonObject(child)) return [];
    if (child['role'] === 'group') return optionsOf(child['children']);
    return child['role'] === 'option' ? [text(child['name']) || text(child['text'])] : [];
  });
  return options.slice(0, MAX_OPTIONS);
}

function innerText(node: unknown): string {
  if (typeof node === 'string') return node;
  if (Array.isArray(node)) return node.map(innerText).filter(Boolean).join(' ');
  if (!isJsonObject(node)) return '';
  const children = node['children'];
  return [text(node['name']), text(node['text']), children === undefined ? '' : innerText(children)]
    .filter(Boolean)
    .join(' ');
}

function shorten(value: string): string {
  return value.length <= MAX_NAME ? value : `${value.slice(0, MAX_NAME - 1)}…`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
