import path from 'node:path';
import { EditorError } from '../text-files/file-tool-error.js';
import { pathKind, tidyPath } from '../text-files/file-path.js';
import { FileRefusedError, readTextFile, type TextFile } from '../text-files/text-file.js';
import { textArgument } from '../function-tool.js';
import type { ToolResource } from '../tool.js';

/** What the descriptions of these tools say of paths. */
export const PATH_RULE = 'File paths can be absolute or relative to this directory.';

/** The absolute path of a file that a call names, as it is shown; relative ones are in the workspace. */
export function namedFile(workingDir: string, args: Record<string, unknown>, argument = 'file_path'): string {
  const given = textArgument(args, argument) ?? '.';
  return tidyPath(path.isAbsolute(given) ? given : `${workingDir}/${given}`);
}

/** The lock of the file that a call names. */
export function fileResource(workingDir: string, args: Record<string, unknown>): ToolResource[] {
  return [{ kind: 'file', key: path.resolve(namedFile(workingDir, args)) }];
}

/**
 * Reads the text of a file; undefined when there is none.
 * @throws EditorError with the text for the model
 */
export async function readExisting(file: string): Promise<TextFile | undefined> {
  const kind = await pathKind(file);
  if (kind === 'directory') throw new EditorError(`Error: Path is a directory, not a file: ${file}`);
  if (kind === 'missing') return undefined;
  return readTextFile(file).catch((error: unknown) => {
    throw refusal(error, 'read', file);
  });
}

/** What the file system or the content of a file stands against, as the text for the model. */
export function refusal(error: unknown, doing: 'read' | 'write to', file: string): EditorError {
  const { message } = error instanceof FileRefusedError ? error : EditorError.fileSystem(error, doing, file);
  return new EditorError(`Error: ${message}`);
}
