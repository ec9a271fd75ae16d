export { importCommand } from './import-command-line.js';
