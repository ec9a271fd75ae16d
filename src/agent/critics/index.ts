export { forgetRefinement } from './critics.js';
