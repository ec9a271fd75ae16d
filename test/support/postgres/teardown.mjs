export { tearDown as default } from './broker.mjs';
