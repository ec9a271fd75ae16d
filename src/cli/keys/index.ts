export { type KeysAction, type KeysCommand, KEYS_HELP, parseKeysCommandLine } from './keys-command-line.js';
