export { asJsonObject, asText, isJsonObject, type JsonObject } from './json-object.js';
