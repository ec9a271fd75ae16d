export { withoutEndSlashes } from './end-slashes.js';
export { remembered } from './remembered.js';
