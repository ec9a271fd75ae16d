export { Counter, Timing } from './meter.js';
export { meters } from './meters.js';
