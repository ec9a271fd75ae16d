import { lstat, mkdir, open, rename, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, syncFolder, undefinedIfMissing, type ZipMember } from '../../../files/index.js';

const FOLDER_MODE = 0o700;

/**
 * Writes the folder of an export into `parent`. It is moved there when all of it is durable, so that a reader
 * never sees a part.
 * @param name of the folder, which all members begin with
 * @param scratch a folder of the same file system, where it is until then
 * @returns false if there is one of this name: it is left as it is
 */
export async function writeMembers(
  members: AsyncIterable<ZipMember>,
  parent: string,
  name: string,
  scratch: string,
): Promise<boolean> {
  const target = path.join(parent, name);
  if ((await lstat(target).catch(undefinedIfMissing)) !== undefined) return false;
  const temporary = path.join(scratch, name);
  const folders = new Set([temporary]);
  await mkdir(temporary, { mode: FOLDER_MODE });
  try {
    for await (const member of members) {
      const place = path.join(temporary, member.name.slice(name.length + 1));
      if (member.name.endsWith('/')) {
        await makeFolder(place, member.mode);
        folders.add(place);
      } else await writeMember(place, member);
    }
    for (const folder of folders) await syncFolder(folder);
    await rename(temporary, target);
    await syncFolder(parent);
    return true;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function writeMember(place: string, { mode, modified, content }: ZipMember): Promise<void> {
  const handle = await open(place, 'wx', mode);
  try {
    if (Buffer.isBuffer(content)) await handle.writeFile(content);
    else for await (const chunk of content ?? []) await handle.writeFile(chunk);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await utimes(place, modified, modified);
}
