import { textContent, type Observation } from '../../events/index.js';
import type { ConfinedFiles } from '../../files/index.js';
import { FileToolError } from '../text-files/file-tool-error.js';
import { normaliseLineEnds, splitLines } from '../text-files/source-text.js';
import { functionTool, withWorkingDir, numberArgument } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';
import { filesOf } from '../tool-host.js';
import { truncateMiddle } from '../truncate.js';
import { fileResource, fileArgument, PATH_RULE, readIfExists } from '../text-files/file-arguments.js';

/** The default number of lines. */
const DEFAULT_LINES = 1000;
/** The maximum length of a result (characters): models are not sent longer observations. */
const MAX_SHOWN = 50_000;

/** Lets the agent read a file page by page. */
export const readFileDefinition: ToolDefinition = {
  name: 'read_file',
  kind: 'ReadFileTool',
  actionKind: 'ReadFileAction',
  observationKind: 'ReadFileObservation',
  title: 'read_file',
  description:
    'Reads a text file and answers its lines with their numbers.\n\n' +
    `At most ${DEFAULT_LINES} lines come at a time, fewer if they are long; the answer then says how to read on with ` +
    '`offset` and `limit`.\n\n' +
    'Examples:\n- The whole file: read_file(file_path="src/main.py")\n' +
    '- Lines 101 to 150: read_file(file_path="src/main.py", offset=100, limit=50)',
  annotations: {
    title: 'read_file',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      file_path: { type: 'string', description: 'The path to the file to read.' },
      offset: {
        type: 'integer',
        description:
          'Optional: The 0-based line number to start reading from. Use for paginating through large files.',
        minimum: 0,
      },
      limit: {
        type: 'integer',
        description:
          "Optional: Maximum number of lines to read. Use with 'offset' to paginate through large files.",
        minimum: 1,
      },
    },
    required: ['file_path'],
  },
  create: (host) => {
    const { workingDir, secrets } = host;
    const files = filesOf(host);
    const mask = (text: string): string => secrets?.mask(text) ?? text;
    return functionTool(withWorkingDir(readFileDefinition, workingDir, PATH_RULE), {
      touches: (args) => fileResource(workingDir, args),
      execute: (args) => read(files, fileArgument(workingDir, args), args, mask),
    });
  },
};

/** @param mask masks secrets, before anything is truncated */
async function read(
  files: ConfinedFiles,
  file: string,
  args: Record<string, unknown>,
  mask: (text: string) => string,
): Promise<Observation> {
  const kind = readFileDefinition.observationKind;
  try {
    const content = await readIfExists(files, file);
    if (!content) throw new FileToolError(`Error: File not found: ${file}`);
    const { text, page } = pageOf(file, normaliseLineEnds(content.raw), args, mask);
    return { content: [textContent(text)], is_error: false, file_path: file, ...page, kind };
  } catch (error) {
    if (!(error instanceof FileToolError)) throw error;
    const empty = { file_path: file, file_content: '', is_truncated: false };
    return { content: [textContent(error.message)], is_error: true, ...empty, kind };
  }
}

function pageOf(
  file: string,
  text: string,
  args: Record<string, unknown>,
  mask: (text: string) => string,
): { text: string; page: Record<string, unknown> } {
  const lines = splitLines(text);
  const total = lines.length;
  const offset = numberArgument(args, 'offset') ?? 0;
  if (offset > 0 && offset >= total) {
    throw new FileToolError(`Error: Offset ${offset} is beyond file length (${total} lines)`);
  }
  const limit = numberArgument(args, 'limit') ?? DEFAULT_LINES;
  const shown = numbered(lines.slice(offset, offset + limit).map(mask), offset + 1);
  const end = offset + shown.length;
  const ending = end === total && !text.endsWith('\n') ? '' : '\n';
  const content = total === 0 ? '' : shown.join('\n') + ending;
  const isTruncated = end < total;
  const note = isTruncated
    ? ` (showing lines ${offset + 1}-${end} of ${total}) To read more, use: ` +
      `read_file(file_path='${file}', offset=${end}, limit=${limit})`
    : '';
  return {
    text: `Read file: ${file}${note}\n\n${content}`,
    page: {
      file_content: content,
      is_truncated: isTruncated,
      ...(isTruncated ? { lines_shown: [offset + 1, end] } : {}),
      total_lines: total,
    },
  };
}

/** The numbered lines that fit into a result: at least one, which is truncated in the middle if necessary. */
function numbered(lines: readonly string[], first: number): string[] {
  const shown: string[] = [];
  let room = MAX_SHOWN;
  for (const [index, line] of lines.entries()) {
    const text = `${String(first + index).padStart(6)}  ${truncateMiddle(line, MAX_SHOWN)}`;
    if (shown.length > 0 && text.length + 1 > room) break;
    shown.push(text);
    room -= text.length + 1;
  }
  return shown;
}
