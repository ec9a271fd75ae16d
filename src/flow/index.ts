export { afterLarge, isLarge } from './after-large.js';
export { forEachBounded } from './bounded.js';
export { ByteBudget, type HeldBytes } from './byte-budget.js';
export { inSlices } from './in-slices.js';
export { Slots } from './slots.js';
export {
  turnForLine,
  yieldForChunk as turnForPiece,
  turnForRequest,
  turnToStart,
  turnToWork,
} from './turns.js';
export { untilAborted } from './until-aborted.js';
export { withTimeout } from './with-timeout.js';
