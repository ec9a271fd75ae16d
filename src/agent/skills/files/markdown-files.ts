import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The paths of the Markdown files in a folder, without README. The path of a Markdown file yields itself. */
export async function markdownFiles(path: string): Promise<string[]> {
  if (isMarkdown(path)) return [path];
  const entries = await readdir(path).catch(() => []);
  return entries
    .filter((name) => isMarkdown(name) && !/^readme\.md$/i.test(name))
    .sort()
    .map((name) => join(path, name));
}

function isMarkdown(name: string): boolean {
  return /\.md$/i.test(name);
}
