export { useCodeCaches } from './code-cache.js';
export { type Command, HELP, parseCommandLine } from './command-line.js';
