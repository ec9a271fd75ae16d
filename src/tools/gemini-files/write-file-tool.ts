import path from 'node:path';
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
import { normaliseLineEnds } from '../text-files/source-text.js';
import { writeTextFile } from '../text-files/text-file.js';
import { functionTool, withWorkingDir, textArgument } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';
import { filesOf } from '../tool-host.js';

/** Lets the agent write whole files. */
export const writeFileDefinition: ToolDefinition = {
  name: 'write_file',
  kind: 'WriteFileTool',
  actionKind: 'WriteFileAction',
  observationKind: 'WriteFileObservation',
  title: 'write_file',
  description:
    'Writes a whole file: makes it, and the folders above it, if it is not there, and replaces all of its content if ' +
    'it is.\n\nFor a small change of a file use `edit` instead.\n\n' +
    'Example: write_file(file_path="src/new.py", content="print(\'hello\')\\n")',
  annotations: {
    title: 'write_file',
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      file_path: { type: 'string', description: 'The path to the file to write to.' },
      content: { type: 'string', description: 'The content to write to the file.' },
    },
    required: ['file_path', 'content'],
  },
  create: (host) => {
    const { workingDir } = host;
    const files = filesOf(host);
    return functionTool(withWorkingDir(writeFileDefinition, workingDir, PATH_RULE), {
      touches: (args) => fileResource(workingDir, args),
      execute: (args) => write(files, fileArgument(workingDir, args), textArgument(args, 'content') ?? ''),
    });
  },
};

async function write(files: ConfinedFiles, file: string, text: string): Promise<Observation> {
  const kind = writeFileDefinition.observationKind;
  try {
    const before = await readIfExists(files, file);
    if (before) {
      await writeTextFile(files, file, text, before.encoding).catch((error: unknown) => {
        throw toFileToolError(error, 'write to', file);
      });
    } else await writeNewFile(files, file, text);
    return {
      content: [textContent(`${before ? 'Updated' : 'Created'} file: ${file}`)],
      is_error: false,
      file_path: file,
      is_new_file: !before,
      ...(before ? { old_content: normaliseLineEnds(before.raw) } : {}),
      new_content: text,
      kind,
    };
  } catch (error) {
    if (!(error instanceof FileToolError)) throw error;
    return { content: [textContent(error.message)], is_error: true, is_new_file: false, kind };
  }
}

/**
 * Writes a new file, creating its parent folders.
 * @throws FileToolError
 */
export async function writeNewFile(files: ConfinedFiles, file: string, text: string): Promise<void> {
  try {
    await files.makeFolder(path.dirname(file));
    await writeTextFile(files, file, text, { name: 'utf-8', bom: false });
  } catch (error) {
    throw toFileToolError(error, 'write to', file);
  }
}
