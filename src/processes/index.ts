export { isProcessAlive } from './is-process-alive.js';
export { processStart } from './process-start.js';
