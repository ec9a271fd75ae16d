export { replayCommand } from './replay-command-line.js';
