import { chmod, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { makeFolder, replaceFile } from '../../files/index.js';
import { inSlices } from '../../flow/index.js';
import { pathKind } from '../file-editor/file-path.js';
import { EditorError } from '../file-editor/editor-error.js';
import { SourceText } from '../file-editor/source-text.js';
import { encodeText, FileRefusedError, readTextFile, type TextFile } from '../file-editor/text-file.js';
import { applyHunks } from './apply-hunks.js';
import type { FilePatch } from './parse-patch.js';
import { PatchError } from './patch-error.js';

/** What happened to a file, as the wire has it. Contents have `\n` at every line end. */
export interface Change {
  type: 'add' | 'update' | 'delete';
  old_content?: string;
  new_content?: string;
  /** Empty: it stayed where it is. */
  move_path?: string;
}

/** A file before and after; undefined: it is not there. */
interface Step {
  file: string;
  before: Buffer | undefined;
  after: Buffer | undefined;
  /** The mode that the content had and keeps wherever it goes; undefined for what is new. */
  mode?: number;
}

/** A patch worked out, with nothing written yet. */
export interface Plan {
  changes: Record<string, Change>;
  fuzz: number;
  steps: Step[];
}

/**
 * Works out what a patch does.
 * @throws PatchError when it does not fit, or leads out of the workspace; the reason of the signal once it is
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
    plan.steps.push(...(await placed(file, patch.moveTo, workingDir, { before: before.bytes, after, mode })));
    plan.changes[patch.path] = {
      type: 'update',
      old_content: source.text,
      new_content: edited.text,
      move_path: patch.moveTo ?? '',
    };
  }
  return plan;
}

/** The steps of an update: in place, or at another place. */
async function placed(
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
    throw new PatchError(reason(error, 'read', file));
  });
}

/**
 * Does what was worked out: all of it, or nothing when something fails.
 * @throws PatchError
 */
export async function carryOut({ steps }: Plan): Promise<void> {
  const done: Step[] = [];
  for (const step of steps) {
    try {
      done.push(step);
      await put(step.file, step.after, step.mode);
    } catch (error) {
      for (const { file, before, mode } of done.reverse())
        await put(file, before, mode).catch(() => undefined);
      throw new PatchError(`${reason(error, 'write to', step.file)}. Nothing was changed.`);
    }
  }
}

async function put(file: string, content: Buffer | undefined, mode: number | undefined): Promise<void> {
  if (content === undefined) {
    await rm(file, { force: true });
    return;
  }
  await makeFolder(path.dirname(file));
  await replaceFile(file, content);
  if (mode !== undefined) await chmod(file, mode & 0o7777);
}

function reason(error: unknown, doing: 'read' | 'write to', file: string): string {
  return error instanceof FileRefusedError
    ? error.message
    : EditorError.fileSystem(error, doing, file).message;
}

/**
 * The absolute path of a file of the workspace.
 * @throws PatchError for one outside, links followed
 */
async function insideWorkspace(given: string, workingDir: string): Promise<string> {
  const file = path.resolve(workingDir, given);
  const [root, real] = await Promise.all([realpath(workingDir), realPlace(file)]);
  if (!isBelow(root, real) || !isBelow(path.resolve(workingDir), file)) {
    throw new PatchError('Absolute or escaping paths are not allowed');
  }
  return file;
}

function isBelow(folder: string, file: string): boolean {
  return file.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** Where a file is or would be, links followed. */
async function realPlace(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || file === path.dirname(file)) return file;
    return path.join(await realPlace(path.dirname(file)), path.basename(file));
  }
}
