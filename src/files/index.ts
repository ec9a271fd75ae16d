export { FolderBusyError, FolderLock, type StillHeld } from './folder-lock.js';
export { makeFolder } from './make-folder.js';
