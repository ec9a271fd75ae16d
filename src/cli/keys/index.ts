export { keysCommand } from './keys-command-line.js';
