export { characterCount, firstCharacters } from './characters.js';
export { dashedUuid } from './dashed-uuid.js';
export { encodeJson, fillIn, holdsLong, isLong, jsonBytes, jsonSlices } from './encode-json.js';
export { withoutEndSlashes } from './end-slashes.js';
export { copyInParts, joinInParts } from './join-in-parts.js';
export { keysOf, parseInParts } from './json-in-parts.js';
export { CLIENT_JSON_BOUNDS, JsonBoundsError, JsonSize, measureJson, type JsonBounds } from './json-size.js';
export { remembered } from './remembered.js';
export { decodeInParts, encodeInParts, slicesOf, Utf8Text } from './utf8-text.js';
