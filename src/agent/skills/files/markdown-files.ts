import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** The Markdown files of a folder by path, without a README; the path of such a file stands for itself. */
export async function markdownFiles(place: string): Promise<string[]> {
  if (isMarkdown(place)) return [place];
  const entries = await readdir(place).catch(() => []);
  return entries
    .filter((name) => isMarkdown(name) && !/^readme\.md$/i.test(name))
    .sort()
    .map((name) => path.join(place, name));
}

function isMarkdown(name: string): boolean {
  return /\.md$/i.test(name);
}
