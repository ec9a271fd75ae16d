export { MAX_FILE_BYTES, readBoundedText, readProjectText, TextRoom } from './bounded-text.js';
export { FolderLock, type StillHeld } from './folder-lock.js';
export { makeFolder } from './make-folder.js';
export { replaceFile, resolveLink, type FileContent } from './replace-file.js';
export { syncFolder, syncFolderTogether } from './sync-folder.js';
export { persistenceRoot, userFolders, type UserFolders } from './user-folders.js';
export { isFolder } from './is-folder.js';
export { isMissing, undefinedIfMissing } from './is-missing.js';
export { isInside } from './is-inside.js';
export { readJsonFile } from './read-json-file.js';
export { makeTemporaryFolder, sweepTemporaryFolders } from './temporary-folders.js';
export {
  assertPlainFile,
  NotAFileError,
  openPlainFile,
  PLAIN,
  readPlainBytes,
  readPlainFile,
  syncPlainFile,
} from './plain-file.js';
export { ConfinedFiles, type ConfinedFile, type FileKind } from './confined/confined-files.js';
export {
  FileRefusal,
  insideOnly,
  NO_RULES,
  type FileAccess,
  type FileIdentity,
  type FileRules,
} from './confined/file-rules.js';
export { HANDLES, O_PATH, PathHandle } from './confined/path-handle.js';
export { beginningOf, bytesOf, linesOf, tryOpenPlainFile, type PlainFile } from './plain-file-lines.js';
export { diskSpace, type DiskSpace } from './disk-space.js';
export { treeSize } from './tree-size.js';
export { zipArchive, type ZipMember } from './zip-archive.js';
