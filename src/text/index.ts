export { characterCount, firstCharacters } from './characters.js';
export { dashedUuid } from './dashed-uuid.js';
export { encodeJson, fillIn, holdsLong, isLong, jsonBytes, jsonSlices } from './encode-json.js';
export { withoutEnd, withoutEndSlashes } from './end-slashes.js';
export { copyInParts, joinInParts } from './join-in-parts.js';
export { keysOf, parseInParts } from './json-in-parts.js';
export { remembered } from './remembered.js';
export { taggedParts } from './tagged-parts.js';
export { decodeInParts, encodeInParts, slicesOf, Utf8Text } from './utf8-text.js';
