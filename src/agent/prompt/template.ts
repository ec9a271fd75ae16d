import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { errorMessage } from '../../errors/index.js';
import { readBoundedText } from '../../files/index.js';
import type { Environment, RuntimeValue, Statement } from '@huggingface/jinja';
import type { JsonObject } from '../../json/index.js';

/** Time limit for rendering (ms), which blocks the event loop. */
const MAX_RENDER_MS = 100;
/** Deepest nesting of includes. */
const MAX_DEPTH = 5;
/** Longest template including its includes (characters): tokenizing takes quadratic time. */
const MAX_TEMPLATE = 64 * 1024;
/** Longest prompt and longest intermediate text (characters). */
const MAX_LENGTH = 1024 * 1024;
/** Limit on evaluated statements and expressions, plus list items and hundreds of text characters. */
const MAX_STEPS = 200_000;

const INCLUDE = /\{%([-+]?)\s*include\s+(["'])([^"']+)\2\s*([-+]?)%\}/g;

/**
 * Reads and renders a Jinja template. It may include other files of its folder by name.
 * @throws Error that describes the problem; system errors
 */
export async function renderTemplate(file: string, variables: JsonObject): Promise<string> {
  const source = await readTemplate(file, MAX_DEPTH, { left: MAX_TEMPLATE });
  // Loaded on first use.
  const jinja = await import('@huggingface/jinja');
  let steps = 0;
  /** Counts the size of each result: a short template can double a text or list repeatedly. */
  class BoundedInterpreter extends jinja.Interpreter {
    override evaluate(statement: Statement | undefined, scope: Environment): RuntimeValue {
      const result = super.evaluate(statement, scope);
      steps += costOf(result.value);
      if (steps > MAX_STEPS) throw new RangeError(`it needs more than ${MAX_STEPS} steps`);
      return result;
    }
  }
  const render = (): string => {
    const environment = new jinja.Environment();
    for (const [name, value] of Object.entries({ ...LITERALS, ...variables })) environment.set(name, value);
    // Whitespace is kept, as in the templates of the OpenHands SDK.
    const program = jinja.parse(jinja.tokenize(source, { lstrip_blocks: false, trim_blocks: false }));
    return String(new BoundedInterpreter(environment).run(program).value);
  };
  try {
    const text = String(runInNewContext('render()', { render }, { timeout: MAX_RENDER_MS })).trim();
    if (text.length > MAX_LENGTH) throw new RangeError(`it is longer than ${MAX_LENGTH} characters`);
    return text;
  } catch (error) {
    throw new Error(`${file} cannot be rendered: ${errorMessage(error)}`);
  }
}

/** @throws RangeError if a text is too long */
function costOf(value: unknown): number {
  if (typeof value === 'string') {
    if (value.length > MAX_LENGTH) throw new RangeError(`it makes more than ${MAX_LENGTH} characters`);
    return 1 + value.length / 100;
  }
  return Array.isArray(value) ? 1 + value.length : 1;
}

/** Jinja's names for constants. */
const LITERALS = { true: true, false: false, none: null, True: true, False: false, None: null };

/** Reads a template and inserts its includes. */
async function readTemplate(file: string, depth: number, room: { left: number }): Promise<string> {
  const content = await readBoundedText(file);
  if (!content) throw new Error(`${file} is not a text file`);
  // Each include counts, even an empty file.
  room.left -= content.text.length + 1;
  if (content.cut || room.left < 0) throw new Error(`${file} is too large with what it includes`);
  const parts: string[] = [];
  let end = 0;
  for (const match of content.text.matchAll(INCLUDE)) {
    const [whole, before = '', , name = '', after = ''] = match;
    if (depth === 0) throw new Error(`${file} includes too many templates in each other`);
    const included = await readTemplate(resolveInclude(file, name), depth - 1, room);
    // A condition that is always true keeps the whitespace control of the include tag.
    parts.push(
      content.text.slice(end, match.index),
      `{%${before} if true %}`,
      included,
      `{% endif ${after}%}`,
    );
    end = match.index + whole.length;
  }
  return [...parts, content.text.slice(end)].join('');
}

function resolveInclude(file: string, name: string): string {
  const folder = path.dirname(file);
  const included = path.resolve(folder, name);
  if (included.startsWith(folder + path.sep)) return included;
  throw new Error(`${file} includes ${name}, which is not in its folder`);
}
