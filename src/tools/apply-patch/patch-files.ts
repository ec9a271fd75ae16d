import { chmod, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { makeFolder, replaceFile } from '../../files/index.js';
import { inSlices } from '../../flow/index.js';
import { pathKind } from '../text-files/file-path.js';
import { FileToolError } from '../text-files/file-tool-error.js';
import { SourceText } from '../text-files/source-text.js';
import { encodeText, FileRefusedError, readTextFile, type TextFile } from '../text-files/text-file.js';
import { applyHunks } from './apply-hunks.js';
import type { FilePatch } from './parse-patch.js';
import { PatchError } from './patch-error.js';

/** The change of a file with the field names of the wire. Contents have normalised line ends (`\n`). */
interface Change {
  type: 'add' | 'update' | 'delete';
  old_content?: string;
  new_content?: string;
  /** Empty: the file was not moved. */
  move_path?: string;
}

/** The content of a file before and after; undefined: the file does not exist. */
interface Step {
  file: string;
  before: Buffer | undefined;
  after: Buffer | undefined;
  /** The file mode to keep, also when the file is moved; undefined for a new file. */
  mode?: number;
}

/** The steps of a patch, computed before anything is written. */
export interface Plan {
  changes: Record<string, Change>;
  fuzz: number;
  steps: Step[];
}

/**
 * Computes the steps of a patch.
 * @throws PatchError if it does not match or leads out of the workspace; the signal's reason once it is
 *   aborted
 */
export async function planPatch(
  patches: readonly FilePatch[],
  workingDir: string,
  signal: AbortSignal,
): Promise<Plan> {
  const plan: Plan = { changes: {}, fuzz: 0, steps: [] };
  for (const patch of patches) {
    signal.throwIfAborted();
    const file = await insideWorkspace(patch.path, workingDir);
    const before = await readCurrent(file, patch);
    if (patch.type === 'add') {
      const after = Buffer.from(patch.content);
      plan.steps.push({ file, before: before?.bytes, after });
      plan.changes[patch.path] = { type: 'add', new_content: patch.content };
      continue;
    }
    if (!before) {
      const what = patch.type === 'delete' ? 'Delete' : 'Update';
      throw new PatchError(`${what} File Error: Missing File: ${patch.path}`);
    }
    const source = new SourceText(before.raw);
    const { mode } = await stat(file);
    if (patch.type === 'delete') {
      plan.steps.push({ file, before: before.bytes, after: undefined, mode });
      plan.changes[patch.path] = { type: 'delete', old_content: source.text };
      continue;
    }
    const { edited, fuzz } = await inSlices(applyHunks(source, patch.hunks));
    const after = encodeText(edited.raw, before.encoding);
    plan.fuzz += fuzz;
    plan.steps.push(
      ...(await updateSteps(file, patch.moveTo, workingDir, { before: before.bytes, after, mode })),
    );
    plan.changes[patch.path] = {
      type: 'update',
      old_content: source.text,
      new_content: edited.text,
      move_path: patch.moveTo ?? '',
    };
  }
  return plan;
}

/** The steps of an update, with or without a move. */
async function updateSteps(
  file: string,
  moveTo: string | undefined,
  workingDir: string,
  content: { before: Buffer; after: Buffer; mode: number },
): Promise<Step[]> {
  const target = moveTo === undefined ? file : await insideWorkspace(moveTo, workingDir);
  if (target === file) return [{ file, ...content }];
  if ((await pathKind(target)) !== 'missing')
    throw new PatchError(`Move Error: File exists: ${moveTo ?? ''}`);
  return [
    { ...content, file: target, before: undefined },
    { ...content, file, after: undefined },
  ];
}

async function readCurrent(file: string, patch: FilePatch): Promise<TextFile | undefined> {
  const kind = await pathKind(file);
  if (kind === 'missing') return undefined;
  if (kind === 'directory') throw new PatchError(`Path is a directory: ${patch.path}`);
  return readTextFile(file).catch((error: unknown) => {
    throw new PatchError(errorText(error, 'read', file));
  });
}

/**
 * Executes a plan. If a step fails, the steps before it are rolled back.
 * @throws PatchError
 */
export async function applyPlan({ steps }: Plan): Promise<void> {
  const done: Step[] = [];
  for (const step of steps) {
    try {
      done.push(step);
      await writeStep(step.file, step.after, step.mode);
    } catch (error) {
      for (const { file, before, mode } of done.reverse())
        await writeStep(file, before, mode).catch(() => undefined);
      throw new PatchError(`${errorText(error, 'write to', step.file)}. Nothing was changed.`);
    }
  }
}

async function writeStep(file: string, content: Buffer | undefined, mode: number | undefined): Promise<void> {
  if (content === undefined) {
    await rm(file, { force: true });
    return;
  }
  await makeFolder(path.dirname(file));
  await replaceFile(file, content);
  if (mode !== undefined) await chmod(file, mode & 0o7777);
}

function errorText(error: unknown, operation: 'read' | 'write to', file: string): string {
  return error instanceof FileRefusedError
    ? error.message
    : FileToolError.fileSystem(error, operation, file).message;
}

/**
 * The absolute path of a file in the workspace.
 * @throws PatchError if the path leads out of the workspace, also through symbolic links
 */
async function insideWorkspace(given: string, workingDir: string): Promise<string> {
  const file = path.resolve(workingDir, given);
  const [root, real] = await Promise.all([realpath(workingDir), resolveRealPath(file)]);
  if (!isWithin(root, real) || !isWithin(path.resolve(workingDir), file)) {
    throw new PatchError('Absolute or escaping paths are not allowed');
  }
  return file;
}

function isWithin(folder: string, file: string): boolean {
  return file.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** The real path of a file that may not exist yet. */
async function resolveRealPath(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || file === path.dirname(file)) return file;
    return path.join(await resolveRealPath(path.dirname(file)), path.basename(file));
  }
}
