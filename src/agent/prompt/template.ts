import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { errorMessage } from '../../errors/index.js';
import type { JsonObject } from '../agent-spec.js';
import { readBoundedText } from '../skills/bounded-text.js';

/** How long a template may take (ms): one that does not come to an end must not stop the server. */
const LIMIT_MS = 300;
/** How deep templates may include others. */
const MAX_DEPTH = 5;
/** Longest prompt (characters), and longest template with all that it includes. */
const MAX_LENGTH = 1024 * 1024;

const INCLUDE = /\{%([-+]?)\s*include\s+(["'])([^"']+)\2\s*([-+]?)%\}/g;

/**
 * Reads a Jinja template and fills it in. It may include others of its folder by their name.
 * @throws Error that says what is wrong with it; system errors
 */
export async function renderTemplate(file: string, variables: JsonObject): Promise<string> {
  const source = await readTemplate(file, MAX_DEPTH);
  // Loaded by those who use it.
  const { Environment, Interpreter, parse, tokenize } = await import('@huggingface/jinja');
  const render = (): string => {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...LITERALS, ...variables })) environment.set(name, value);
    // White space stays as it is, as it does for the templates of the OpenHands SDK.
    const program = parse(tokenize(source, { lstrip_blocks: false, trim_blocks: false }));
    return String(new Interpreter(environment).run(program).value);
  };
  try {
    const text = String(runInNewContext('render()', { render }, { timeout: LIMIT_MS })).trim();
    if (text.length > MAX_LENGTH) throw new RangeError(`it is longer than ${MAX_LENGTH} characters`);
    return text;
  } catch (error) {
    throw new Error(`${file} cannot be rendered: ${errorMessage(error)}`);
  }
}

/** Names that Jinja has for values. */
const LITERALS = { true: true, false: false, none: null, True: true, False: false, None: null };

/** A template with those that it includes in their places. */
async function readTemplate(file: string, depth: number): Promise<string> {
  const content = await readBoundedText(file);
  if (!content) throw new Error(`${file} is not a text file`);
  if (content.cut) throw new Error(`${file} is too large`);
  const parts: string[] = [];
  let end = 0;
  for (const match of content.text.matchAll(INCLUDE)) {
    const [whole, before = '', , name = '', after = ''] = match;
    if (depth === 0) throw new Error(`${file} includes too many templates in each other`);
    const included = await readTemplate(inFolderOf(file, name), depth - 1);
    // A condition that always holds keeps the marks for white space around the tag.
    parts.push(
      content.text.slice(end, match.index),
      `{%${before} if true %}`,
      included,
      `{% endif ${after}%}`,
    );
    end = match.index + whole.length;
  }
  const text = [...parts, content.text.slice(end)].join('');
  if (text.length > MAX_LENGTH) throw new Error(`${file} is too large with what it includes`);
  return text;
}

function inFolderOf(file: string, name: string): string {
  const folder = path.dirname(file);
  const included = path.resolve(folder, name);
  if (included.startsWith(folder + path.sep)) return included;
  throw new Error(`${file} includes ${name}, which is not in its folder`);
}
