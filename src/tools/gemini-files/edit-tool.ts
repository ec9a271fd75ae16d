import { textContent, type Observation } from '../../events/index.js';
import type { ConfinedFiles } from '../../files/index.js';
import {
  fileResource,
  fileArgument,
  PATH_RULE,
  readIfExists,
  toFileToolError,
} from '../text-files/file-arguments.js';
import { FileToolError } from '../text-files/file-tool-error.js';
import { MAX_OCCURRENCES, findOccurrences } from '../text-files/find-text.js';
import { normaliseLineEnds, SourceText } from '../text-files/source-text.js';
import { writeTextFile } from '../text-files/text-file.js';
import { functionTool, withWorkingDir, numberArgument, textArgument } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';
import { filesOf } from '../tool-host.js';
import { writeNewFile } from './write-file-tool.js';

/** Lets the agent replace an exact text in a file. */
export const editDefinition: ToolDefinition = {
  name: 'edit',
  kind: 'EditTool',
  actionKind: 'EditAction',
  observationKind: 'EditObservation',
  title: 'edit',
  description:
    'Replaces text within a file.\n\n' +
    '* `old_string` has to match exactly, white space included. It has to occur once, or as often as ' +
    '`expected_replacements` says; otherwise nothing is changed. Add a few lines around it to make it unique.\n' +
    '* An empty `old_string` makes a new file.\n' +
    '* Read the file first to see what it says; to change most of it use `write_file`.\n\n' +
    'Examples:\n- edit(file_path="a.py", old_string="old text", new_string="new text")\n' +
    '- edit(file_path="a.py", old_string="foo", new_string="bar", expected_replacements=3)',
  annotations: {
    title: 'edit',
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      file_path: { type: 'string', description: 'The path to the file to modify.' },
      old_string: {
        type: 'string',
        description:
          'The text to replace. To create a new file, use an empty string. Must match the exact text in the file ' +
          'including whitespace and indentation.',
      },
      new_string: { type: 'string', description: 'The text to replace it with.' },
      expected_replacements: {
        type: 'integer',
        description:
          'Number of replacements expected. Defaults to 1. Use when you want to replace multiple occurrences. The ' +
          'edit will fail if the actual count is another.',
        minimum: 0,
        default: 1,
      },
    },
    required: ['file_path', 'old_string', 'new_string'],
  },
  create: (host) => {
    const { workingDir } = host;
    const files = filesOf(host);
    return functionTool(withWorkingDir(editDefinition, workingDir, PATH_RULE), {
      touches: (args) => fileResource(workingDir, args),
      execute: (args) => edit(files, fileArgument(workingDir, args), args),
    });
  },
};

/** The number of occurrences differs from the expected one. The observation then contains the file's path. */
class OccurrenceCountError extends FileToolError {}

async function edit(files: ConfinedFiles, file: string, args: Record<string, unknown>): Promise<Observation> {
  const kind = editDefinition.observationKind;
  const oldText = textArgument(args, 'old_string') ?? '';
  const newText = textArgument(args, 'new_string') ?? '';
  try {
    if (oldText === newText) {
      throw new FileToolError('Error: No changes to apply. old_string and new_string are identical.');
    }
    const outcome =
      oldText === ''
        ? await create(files, file, newText)
        : await replace(files, file, {
            oldText,
            newText,
            expected: numberArgument(args, 'expected_replacements') ?? 1,
          });
    const { text, ...result } = outcome;
    return { content: [textContent(text)], is_error: false, file_path: file, ...result, kind };
  } catch (error) {
    if (!(error instanceof FileToolError)) throw error;
    const pathField = error instanceof OccurrenceCountError ? { file_path: file } : {};
    const defaults = { is_new_file: false, replacements_made: 0 };
    return { content: [textContent(error.message)], is_error: true, ...pathField, ...defaults, kind };
  }
}

async function create(
  files: ConfinedFiles,
  file: string,
  text: string,
): Promise<{ text: string; [field: string]: unknown }> {
  if (await readIfExists(files, file)) {
    throw new FileToolError(
      `Error: Cannot create file that already exists: ${file}. Use write_file to overwrite or provide non-empty old_string.`,
    );
  }
  await writeNewFile(files, file, text);
  return {
    text: `Created new file: ${file}`,
    is_new_file: true,
    replacements_made: 1,
    new_content: text,
  };
}

async function replace(
  files: ConfinedFiles,
  file: string,
  { oldText, newText, expected }: { oldText: string; newText: string; expected: number },
): Promise<{ text: string; [field: string]: unknown }> {
  const before = await readIfExists(files, file);
  if (!before) {
    throw new FileToolError(`Error: File not found: ${file}. To create a new file, use old_string=''.`);
  }
  const source = new SourceText(before.raw);
  const searched = normaliseLineEnds(oldText);
  const starts = findOccurrences(source.text, searched);
  if (starts.length === 0) {
    throw new OccurrenceCountError(
      `Error: Could not find the string to replace. 0 occurrences found in ${file}. ` +
        'Use read_file to verify the exact text.',
    );
  }
  if (starts.length !== expected || starts.length > MAX_OCCURRENCES) {
    const noun = expected === 1 ? 'occurrence' : 'occurrences';
    throw new OccurrenceCountError(
      `Error: Expected ${expected} ${noun} but found ${starts.length > MAX_OCCURRENCES ? `more than ${MAX_OCCURRENCES}` : starts.length} in ${file}.`,
    );
  }
  const edited = source.spliceAll(
    starts.map((start) => ({ start, end: start + searched.length, replacement: newText })),
  );
  await writeTextFile(files, file, edited.raw, before.encoding).catch((error: unknown) => {
    throw toFileToolError(error, 'write to', file);
  });
  return {
    text: `Successfully edited ${file} (${starts.length} replacement(s))`,
    is_new_file: false,
    replacements_made: starts.length,
    old_content: source.text,
    new_content: edited.text,
  };
}
