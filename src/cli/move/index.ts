export { moveCommand } from './move-command-line.js';
