export { usageCommand } from './usage-command-line.js';
