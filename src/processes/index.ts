export { isProcessAlive } from './is-process-alive.js';
