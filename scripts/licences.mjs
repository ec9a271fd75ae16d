import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Collects the licence texts of all bundled packages; the licences require that they are distributed with it.
 * A text that several packages have, with the same names in it, stands once. A package without a file refers
 * to the same licence of another one; a licence without any text fails.
 * @param output of the bundler
 * @param copied folders of packages of which files are copied
 */
export async function licencesOf(output, copied) {
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  const folders = new Set([
    ...modules.map(packageFolder).filter((folder) => folder !== undefined),
    ...copied,
  ]);
  const packages = await Promise.all([...folders].sort().map(readPackage));
  const firsts = new Map();
  for (const { title, texts } of packages)
    for (const text of texts) if (!firsts.has(text)) firsts.set(text, title);
  return packages.map((one) => notice(one, packages, firsts)).join(`\n${'-'.repeat(80)}\n\n`);
}

function packageFolder(module) {
  return /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1];
}

async function readPackage(folder) {
  const { name, version, license } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const names = (await readdir(folder))
    .filter((file) => /^(licen[cs]e|notice)|\.license\.txt$/i.test(file))
    .sort();
  const texts = await Promise.all(names.map((file) => readFile(path.join(folder, file), 'utf8')));
  return { title: `${name} ${version}`, license, texts: texts.map((text) => text.trim()) };
}

/** @param firsts the first package with each text */
function notice({ title, license, texts }, packages, firsts) {
  const shown = texts.map((text) =>
    firsts.get(text) === title ? text : `The same text as that of ${firsts.get(text)}.`,
  );
  const parts = [`${title} (${license ?? 'see below'})`, ...shown];
  if (texts.length === 0) {
    const other = packages.find((one) => one.license === license && one.texts.length > 0);
    if (license === undefined || other === undefined) throw new Error(`${title} has no licence text`);
    parts.push(`The package has no licence file. For the text of ${license} see ${other.title}.`);
  }
  return `${parts.join('\n\n')}\n`;
}
