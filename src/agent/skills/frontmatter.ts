import { errorMessage } from '../../errors/index.js';
import type { JsonObject } from '../agent-spec.js';
import { isObject } from './skill.js';

/** More than this at the head of a file is no frontmatter (characters). */
const MAX_LENGTH = 64 * 1024;

/** What stands between the `---` lines at the head of a file cannot be read. */
export class FrontmatterError extends Error {
  override readonly name = 'FrontmatterError';
}

/** A Markdown file in its two parts. */
export interface FrontmatterFile {
  /** Empty without frontmatter. */
  fields: JsonObject;
  /** Without white space around it. */
  body: string;
}

/**
 * Parts a Markdown file into its YAML frontmatter and its text.
 * @throws FrontmatterError
 */
export async function parseFrontmatter(text: string): Promise<FrontmatterFile> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines[0]?.trimEnd() !== '---') return { fields: {}, body: lines.join('\n').trim() };
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---');
  // A rule at the head of a text, and nothing that ends it.
  if (end === -1) return { fields: {}, body: lines.join('\n').trim() };
  const head = lines.slice(1, end).join('\n');
  if (head.length > MAX_LENGTH)
    throw new FrontmatterError(`frontmatter of more than ${MAX_LENGTH} characters`);
  return {
    fields: await parseFields(head),
    body: lines
      .slice(end + 1)
      .join('\n')
      .trim(),
  };
}

async function parseFields(head: string): Promise<JsonObject> {
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    // The limit of aliases keeps a few lines from becoming gigabytes.
    value = parse(head, { maxAliasCount: 50, logLevel: 'error', schema: 'core' });
  } catch (error) {
    throw new FrontmatterError(`not valid YAML: ${errorMessage(error).split('\n')[0] ?? ''}`);
  }
  if (value === null || value === undefined) return {};
  if (!isObject(value)) throw new FrontmatterError('not a list of fields');
  return value;
}
