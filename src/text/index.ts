export { withoutEndSlashes } from './end-slashes.js';
