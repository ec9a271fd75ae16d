import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '../..');
const FOLDERS = ['src', 'console', 'test', 'docs', 'bench', 'deploy', 'eval', 'scripts', 'examples'];

const files = [...readdirSync(ROOT), ...FOLDERS.flatMap(filesIn)];
const documents = files.filter((file) => file.endsWith('.md'));

describe.each(documents)('%s', (document) => {
  const text = readFileSync(path.join(ROOT, document), 'utf8');
  const folder = path.dirname(document);

  it('names only source files that exist', () => {
    const named = [...text.matchAll(/`([\w./-]+\.(?:ts|mjs|cjs|py))`/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !files.some((file) => `/${file}`.endsWith(path.join('/', name))))).toEqual(
      [],
    );
  });

  it('links only to files and sections that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)];
    expect(
      links
        .filter(([, target = '', section]) => {
          const file = target === '' ? document : path.join(folder, target);
          if (!files.includes(file)) return !files.some((name) => name.startsWith(path.join(file, '/')));
          return section !== undefined && !sectionsOf(file).includes(section);
        })
        .map(([link]) => link),
    ).toEqual([]);
  });
});

function filesIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)));
}

/** Headings as GitHub writes them in the address of a section. */
function sectionsOf(file: string): string[] {
  const headings = readFileSync(path.join(ROOT, file), 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}
