export {
  CALL_FIELD,
  type ModelCall,
  NO_TOKENS,
  type OutsideCall,
  recordOf,
  withoutCall,
} from './model-call.js';
export { nextOf, type Period, Spending, startOf } from './spending.js';
export { UsageCatchUp } from './usage-catch-up.js';
export { UsageRecorder } from './usage-recorder.js';
export { UsageModule } from './usage.module.js';
