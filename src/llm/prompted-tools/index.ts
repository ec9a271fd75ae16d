export { promptedCall } from './prompted-call.js';
export type { Conversion } from './prompted-call.js';
