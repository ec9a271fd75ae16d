/**
 * Limits for an untrusted YAML document. The parser can take time quadratic in the length of its input and
 * stack linear in its depth, so all of this is counted before it is parsed.
 */
const LIMITS = {
  characters: 8 * 1024,
  /** Scalars and indicators, without white space and comments. */
  tokens: 1_000,
  lines: 1_000,
  /** Nested flow collections; also `-`, `?` and `:` that open collections on one line. */
  depth: 32,
  anchors: 32,
  tags: 32,
  aliases: 16,
} as const;

/** Characters of the parser's message, which quotes the input. */
const MAX_REASON = 200;

/** Invalid YAML, or a document beyond the limits. The message continues a sentence that names the file. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

/**
 * Parses a small untrusted YAML document in bounded time and stack. The only place that may use the parser,
 * which lint enforces.
 * @returns null for an empty text
 * @throws YamlError
 */
export async function parseYaml(text: string): Promise<unknown> {
  if (text.length > LIMITS.characters) throw new YamlError(`has more than ${LIMITS.characters} characters`);
  const { CST, Lexer, LineCounter, parseDocument } = await import('yaml');
  assertPlain(new Lexer().lex(text), CST.tokenType);
  const lines = new LineCounter();
  // Pretty errors copy the text around each error.
  const document = parseDocument(text, {
    prettyErrors: false,
    lineCounter: lines,
    logLevel: 'error',
    schema: 'core',
  });
  const [error] = document.errors;
  if (error)
    throw invalid(`${error.message.slice(0, MAX_REASON)} at line ${lines.linePos(error.pos[0]).line}`);
  try {
    return document.toJS({ maxAliasCount: LIMITS.aliases });
  } catch (failure) {
    throw invalid(failure instanceof Error ? failure.message.slice(0, MAX_REASON) : 'unknown reason');
  }
}

function invalid(reason: string): YamlError {
  return new YamlError(`is not valid YAML: ${reason}`);
}

/** White space, comments, and the lexer's own marks. */
const NOT_COUNTED = new Set<string | null>(['newline', 'space', 'comment', 'scalar', 'doc-mode']);

/** Checks the limits in one pass. @throws YamlError */
function assertPlain(tokens: Iterable<string>, typeOf: (token: string) => string | null): void {
  const counts = { tokens: 0, lines: 0, anchors: 0, tags: 0, aliases: 0 };
  let open = 0;
  let onLine = 0;
  for (const token of tokens) {
    const type = typeOf(token);
    switch (type) {
      case 'newline':
        onLine = 0;
        counts.lines += 1;
        break;
      case 'flow-seq-start':
      case 'flow-map-start':
        open += 1;
        break;
      case 'flow-seq-end':
      case 'flow-map-end':
        open = Math.max(0, open - 1);
        break;
      case 'seq-item-ind':
      case 'explicit-key-ind':
      case 'map-value-ind':
        // Entries of a flow collection do not nest.
        if (open === 0) onLine += 1;
        break;
      case 'anchor':
        counts.anchors += 1;
        break;
      case 'tag':
        counts.tags += 1;
        break;
      case 'alias':
        counts.aliases += 1;
        break;
      default:
        // Scalars, and marks that only count as tokens.
        break;
    }
    if (!NOT_COUNTED.has(type)) counts.tokens += 1;
    if (open > LIMITS.depth || onLine > LIMITS.depth) {
      throw new YamlError(`has collections nested more than ${LIMITS.depth} deep`);
    }
    for (const kind of ['tokens', 'lines', 'anchors', 'tags', 'aliases'] as const) {
      if (counts[kind] > LIMITS[kind]) throw new YamlError(`has more than ${LIMITS[kind]} ${kind}`);
    }
  }
}
