import { isJsonObject, type JsonObject, parseYaml, YamlError } from '../../../json/index.js';

/** The frontmatter between the `---` lines at the head of a file is invalid. */
export class FrontmatterError extends Error {
  override readonly name = 'FrontmatterError';
}

/** The two parts of a Markdown file. */
interface FrontmatterFile {
  /** Empty without frontmatter. */
  fields: JsonObject;
  /** Trimmed. */
  body: string;
}

/**
 * Splits a Markdown file into its YAML frontmatter, which is bounded (`parseYaml`), and its body.
 * @throws FrontmatterError
 */
export async function parseFrontmatter(text: string): Promise<FrontmatterFile> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines[0]?.trimEnd() !== '---') return { fields: {}, body: lines.join('\n').trim() };
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---');
  // A horizontal rule, not frontmatter.
  if (end === -1) return { fields: {}, body: lines.join('\n').trim() };
  return {
    fields: await parseFields(lines.slice(1, end).join('\n')),
    body: lines
      .slice(end + 1)
      .join('\n')
      .trim(),
  };
}

async function parseFields(head: string): Promise<JsonObject> {
  const value = await parseYaml(head).catch((error: unknown) => {
    throw error instanceof YamlError ? new FrontmatterError(`the frontmatter ${error.message}`) : error;
  });
  if (value === null || value === undefined) return {};
  if (!isJsonObject(value)) throw new FrontmatterError('not a list of fields');
  return value;
}
