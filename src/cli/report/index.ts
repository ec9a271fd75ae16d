export { reportCommand } from './report-command-line.js';
