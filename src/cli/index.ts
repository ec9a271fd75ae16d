export { useCodeCaches } from './code-cache.js';
export { type Command, HELP, parseCommandLine } from './command-line.js';
export { type KeysAction, KEYS_HELP } from './keys/index.js';
export {
  EXPORT_HELP,
  type ExportCommandOptions,
  IMPORT_HELP,
  type ImportCommandOptions,
} from './transfer/index.js';
export { MOVE_HELP, type MoveOptions } from './move/index.js';
