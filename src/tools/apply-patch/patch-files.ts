import path from 'node:path';
import type { ConfinedFiles } from '../../files/index.js';
import { inSlices } from '../../flow/index.js';
import { pathKind } from '../text-files/file-path.js';
import { FileToolError } from '../text-files/file-tool-error.js';
import { SourceText } from '../text-files/source-text.js';
import { encodeText, FileRefusedError, readTextFile, type TextFile } from '../text-files/text-file.js';
import { applyHunks } from './apply-hunks.js';
import type { FilePatch } from './parse-patch.js';
import { PatchError } from './patch-error.js';
import type { PatchedWorkspace } from './patched-workspace.js';

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
  workspace: PatchedWorkspace,
  signal: AbortSignal,
): Promise<Plan> {
  const { files } = workspace;
  const plan: Plan = { changes: {}, fuzz: 0, steps: [] };
  for (const patch of patches) {
    signal.throwIfAborted();
    const file = await workspace.locate(patch.path);
    const before = await readCurrent(files, file, patch);
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
    const { mode } = await files.stat(file);
    if (patch.type === 'delete') {
      plan.steps.push({ file, before: before.bytes, after: undefined, mode });
      plan.changes[patch.path] = { type: 'delete', old_content: source.text };
      continue;
    }
    const { edited, fuzz } = await inSlices(applyHunks(source, patch.hunks));
    const after = encodeText(edited.raw, before.encoding);
    plan.fuzz += fuzz;
    plan.steps.push(
      ...(await updateSteps(file, patch.moveTo, workspace, { before: before.bytes, after, mode })),
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
  workspace: PatchedWorkspace,
  content: { before: Buffer; after: Buffer; mode: number },
): Promise<Step[]> {
  const target = moveTo === undefined ? file : await workspace.locate(moveTo);
  if (target === file) return [{ file, ...content }];
  if ((await pathKind(workspace.files, target)) !== 'missing')
    throw new PatchError(`Move Error: File exists: ${moveTo ?? ''}`);
  return [
    { ...content, file: target, before: undefined },
    { ...content, file, after: undefined },
  ];
}

async function readCurrent(
  files: ConfinedFiles,
  file: string,
  patch: FilePatch,
): Promise<TextFile | undefined> {
  const kind = await pathKind(files, file);
  if (kind === 'missing') return undefined;
  if (kind === 'directory') throw new PatchError(`Path is a directory: ${patch.path}`);
  return readTextFile(files, file).catch((error: unknown) => {
    throw new PatchError(errorText(error, 'read', file));
  });
}

/**
 * Executes a plan. If a step fails, the steps before it are rolled back.
 * @throws PatchError
 */
export async function applyPlan({ steps }: Plan, { files }: PatchedWorkspace): Promise<void> {
  const done: Step[] = [];
  for (const step of steps) {
    try {
      done.push(step);
      await writeStep(files, step.file, step.after, step.mode);
    } catch (error) {
      for (const { file, before, mode } of done.reverse())
        await writeStep(files, file, before, mode).catch(() => undefined);
      throw new PatchError(`${errorText(error, 'write to', step.file)}. Nothing was changed.`);
    }
  }
}

async function writeStep(
  files: ConfinedFiles,
  file: string,
  content: Buffer | undefined,
  mode: number | undefined,
): Promise<void> {
  if (content === undefined) {
    await files.remove(file);
    return;
  }
  await files.makeFolder(path.dirname(file));
  await files.replace(file, content);
  if (mode !== undefined) await files.setMode(file, mode & 0o7777);
}

function errorText(error: unknown, operation: 'read' | 'write to', file: string): string {
  return error instanceof FileRefusedError
    ? error.message
    : FileToolError.fileSystem(error, operation, file).message;
}
