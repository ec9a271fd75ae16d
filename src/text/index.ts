export { dashedUuid } from './dashed-uuid.js';
export { withoutEndSlashes } from './end-slashes.js';
export { remembered } from './remembered.js';
export { decodeInParts, Utf8Text } from './utf8-text.js';
