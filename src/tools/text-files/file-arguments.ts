import path from 'node:path';
import { FileRefusal, type ConfinedFiles } from '../../files/index.js';
import { FileToolError } from './file-tool-error.js';
import { pathKind, tidyPath, type PathKind } from './file-path.js';
import { FileRefusedError, readTextFile, type TextFile } from './text-file.js';
import { textArgument } from '../function-tool.js';
import type { ToolResource } from '../tool.js';

/** The rule about paths, for the descriptions of tools that accept relative ones. */
export const PATH_RULE = 'File paths can be absolute or relative to this directory.';

/** The absolute path in an argument of a call. Relative paths are resolved in the workspace. */
export function fileArgument(
  workingDir: string,
  args: Record<string, unknown>,
  argument = 'file_path',
): string {
  const given = textArgument(args, argument) ?? '.';
  return tidyPath(path.isAbsolute(given) ? given : `${workingDir}/${given}`);
}

/** The file in an argument of a call, as the resource that the call uses. */
export function fileResource(
  workingDir: string,
  args: Record<string, unknown>,
  argument = 'file_path',
): ToolResource[] {
  return [{ kind: 'file', key: path.resolve(fileArgument(workingDir, args, argument)) }];
}

/**
 * Reads a text file of at most 10 MB; undefined if it does not exist.
 * @throws FileToolError for a folder, a larger or binary file, what the sandbox refuses, or an error of the
 *   file system
 */
export async function readIfExists(files: ConfinedFiles, file: string): Promise<TextFile | undefined> {
  const kind = await kindOrRefusal(files, file);
  if (kind === 'directory') throw new FileToolError(`Error: Path is a directory, not a file: ${file}`);
  if (kind === 'missing') return undefined;
  return readTextFile(files, file).catch((error: unknown) => {
    throw toFileToolError(error, 'read', file);
  });
}

/**
 * What exists at a path.
 * @throws FileToolError for what the sandbox refuses
 */
export async function kindOrRefusal(files: ConfinedFiles, file: string): Promise<PathKind> {
  return pathKind(files, file).catch((error: unknown) => {
    throw error instanceof FileRefusal ? toFileToolError(error, 'read', file) : error;
  });
}

/** Converts an error about a file to an error for the model. */
export function toFileToolError(error: unknown, operation: 'read' | 'write to', file: string): FileToolError {
  const { message } =
    error instanceof FileRefusedError ? error : FileToolError.fileSystem(error, operation, file);
  return new FileToolError(`Error: ${message}`);
}
