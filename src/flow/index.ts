export { afterLarge, isLarge } from './after-large.js';
export { forEachBounded } from './bounded.js';
export { ByteBudget, type HeldBytes } from './byte-budget.js';
export { inSlices } from './in-slices.js';
export { KeyedSerialQueue, SerialQueue } from './serial-queue.js';
export { Slots } from './slots.js';
export { turnForLine, yieldForChunk, turnForRequest, turnToStart, turnToWork } from './turns.js';
export { untilAborted } from './until-aborted.js';
export { MAX_TIMER_MS, settlesWithin, withTimeout } from './with-timeout.js';
