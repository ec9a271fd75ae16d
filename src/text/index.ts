export { dashedUuid } from './dashed-uuid.js';
export { withoutEndSlashes } from './end-slashes.js';
export { remembered } from './remembered.js';
