export { exportCommand } from './export-command-line.js';
