export { afterLarge } from './after-large.js';
export { Slots } from './slots.js';
export { turnToStart } from './turn-to-start.js';
