export {
  MAX_FILE_BYTES,
  readBoundedText,
  readProjectText,
  TextRoom,
  type BoundedText,
} from './bounded-text.js';
export { FolderBusyError, FolderLock, type StillHeld } from './folder-lock.js';
export { makeFolder } from './make-folder.js';
export { replaceFile, resolveLink, type FileContent } from './replace-file.js';
export { syncFolder, syncFolderTogether } from './sync-folder.js';
export { persistenceRoot, userFolders, type UserFolders } from './user-folders.js';
export { isMissing } from './is-missing.js';
export { isInside } from './is-inside.js';
export { readJsonFile } from './read-json-file.js';
export { makeTemporaryFolder, sweepTemporaryFolders, type TemporaryKind } from './temporary-folders.js';
export { assertPlainFile, NotAFileError, openPlainFile, PLAIN, readPlainFile } from './plain-file.js';
