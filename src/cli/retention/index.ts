export { retentionCommand } from './retention-command-line.js';
