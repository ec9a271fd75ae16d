export { asJsonObject, isJsonObject, type JsonObject } from './json-object.js';
