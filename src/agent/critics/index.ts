export { withoutRefinementCount } from './critics.js';
