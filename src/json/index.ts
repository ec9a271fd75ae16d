export { asJsonObject, asText, isJsonObject, type JsonObject } from './json-object.js';
export { JsonBoundsError, JsonSize, type JsonBounds } from './json-size.js';
export { parseJson, tryParseJson } from './parse-json.js';
export { parseYaml, YamlError } from './parse-yaml.js';
export {
  decodeJson,
  decodeJsonPrefix,
  describeJsonMistake,
  explainJsonError,
  JsonDecodeError,
} from './python-json.js';
