// Writes the tables of docs/configuration.md from the schema (src/config/app-config.ts): `npm run docs`.
// With --check it changes nothing, and ends with 1 when the page is out of date. Needs a build.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { AppConfig } from '../dist/current/config/app-config.js';
import { fieldsOf } from '../dist/current/config/config-field.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = path.join(root, 'docs/configuration.md');
/** The tables are between these two comments. */
const BEGIN = '<!-- Written by `npm run docs` from the schema: change src/config/app-config.ts instead. -->';
const END = '<!-- End of the generated tables. -->';

/** `config.name`, `{ name }: AppConfig`, `{ name } = config`, `Pick<AppConfig, 'name'>`. */
const READINGS = /\.\w+|\{[^{}]*\}(: AppConfig\b| = (this\.)?config\b)|Pick<\s*AppConfig,[^>]*>/g;

const used = await usedNames();
const before = await readFile(page, 'utf8');
const [head, rest] = before.split(BEGIN);
const tail = rest?.split(END)[1];
if (tail === undefined) throw new Error(`${page} has no place for the tables`);
const text = [head + BEGIN, ...tables(), END + tail].join('\n\n');
const after = await format(text, { ...(await resolveConfig(page)), filepath: page });

if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('docs/configuration.md is out of date: npm run build && npm run docs');
    process.exit(1);
  }
} else if (after !== before) {
  await writeFile(page, after);
  console.log('docs/configuration.md was updated');
}

function tables() {
  const groups = [{ path: '', variable: 'OH', type: AppConfig }];
  const parts = [];
  for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
    const defaults = new group.type();
    const rows = [];
    for (const field of fieldsOf(group.type)) {
      const inner = innerGroup(group, field);
      if (inner !== undefined) groups.push(inner);
      rows.push(row(group, field, defaults[field.name]));
    }
    parts.push(group.path === '' ? '### The server' : `### \`${group.path}\``);
    parts.push(['| Field | Variable | Value | Default | |', '| - | - | - | - | - |', ...rows].join('\n'));
  }
  return parts;
}

/** The table of a field that is a group of fields, or a list of groups. */
function innerGroup(outer, { name, shape }) {
  const at = outer.path === '' ? name : `${outer.path}.${name}`;
  const variable = `${outer.variable}_${name.toUpperCase()}`;
  if (shape.kind === 'section') return { path: at, variable, type: shape.type };
  if (shape.kind !== 'list' || shape.item.kind !== 'section') return undefined;
  return { path: `${at}[]`, variable: `${variable}_0`, type: shape.item.type };
}

function row(group, field, value) {
  const isGroup = field.shape.kind === 'section';
  const facts = [field.about];
  if (field.secret) facts.push('Never printed.');
  if (group.path === '' && !used.has(field.name)) facts.push('**Accepted, but has no effect yet.**');
  const cells = [
    `\`${field.name}\``,
    `\`${group.variable}_${field.name.toUpperCase()}\``,
    field.nullable ? `${field.expected}, or null` : field.expected,
    isGroup ? 'see below' : value === undefined ? 'required' : `\`${JSON.stringify(value)}\``,
    facts.join(' '),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** Names that the sources outside src/config/ read: an option that is never read has no effect. */
async function usedNames() {
  const source = path.join(root, 'src');
  const words = new Set();
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const isConfig = entry.parentPath === path.join(source, 'config');
    if (!entry.isFile() || !file.endsWith('.ts') || file.endsWith('.spec.ts') || isConfig) continue;
    const text = await readFile(file, 'utf8');
    for (const [reading] of text.matchAll(READINGS))
      for (const word of reading.match(/\w+/g)) words.add(word);
    for (const [name] of text.matchAll(/paths\.\w+/g)) words.add(name);
  }
  // `paths` has the folders as absolute paths, under shorter names.
  const schema = await readFile(path.join(source, 'config/app-config.ts'), 'utf8');
  for (const [, name, field] of schema.matchAll(
    /(\w+): (?:path\.resolve\(this\.base_dir, |this\.optional\()this\.(\w+)\)/g,
  )) {
    if (words.has(`paths.${name}`)) words.add(field);
  }
  return words;
}
