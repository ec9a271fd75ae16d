import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Collects the licence texts of all bundled packages; the licences require that they are distributed with it.
 * A package without a file refers to the same licence of another one; a licence without any text fails.
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
  return packages.map((one) => notice(one, packages)).join(`\n${'-'.repeat(80)}\n\n`);
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

function notice({ title, license, texts }, packages) {
  const parts = [`${title} (${license ?? 'see below'})`, ...texts];
  if (texts.length === 0) {
    const other = packages.find((one) => one.license === license && one.texts.length > 0);
    if (license === undefined || other === undefined) throw new Error(`${title} has no licence text`);
    parts.push(`The package has no licence file. For the text of ${license} see ${other.title}.`);
  }
  return `${parts.join('\n\n')}\n`;
}
