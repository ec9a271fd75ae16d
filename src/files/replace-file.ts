import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../errors/index.js';

/**
 * Writes a file so that readers see the old or the new content and nothing between: into a file beside it,
 * then renamed. A symbolic link keeps pointing where it points and its target is replaced; mode and owner
 * stay as they were. A new file gets the usual mode of the process. The folder has to exist.
 * @throws the error of the file system
 */
export async function replaceFile(file: string, content: string | Uint8Array): Promise<void> {
  const target = await resolveTarget(file);
  const { dir, base } = path.parse(target);
  const temporary = path.join(dir, `.${base}.${randomBytes(4).toString('hex')}.tmp`);
  const before = await statOrUndefined(target);
  const handle = await open(temporary, 'wx', 0o666);
  try {
    try {
      await handle.writeFile(content);
      if (before) await keepOwnerAndMode(handle, before);
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function resolveTarget(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return file;
    throw error;
  }
}

async function statOrUndefined(
  file: string,
): Promise<{ mode: number; uid: number; gid: number } | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function keepOwnerAndMode(
  handle: FileHandle,
  before: { mode: number; uid: number; gid: number },
): Promise<void> {
  const now = await handle.stat();
  if (now.uid !== before.uid || now.gid !== before.gid) {
    // Only root may give files away. Anybody else who may write here keeps the new file as its own.
    await handle.chown(before.uid, before.gid).catch(() => undefined);
  }
  await handle.chmod(before.mode & 0o7777);
}
