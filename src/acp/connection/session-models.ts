import { asJsonObject, type JsonObject, asText } from '../../json/index.js';

/** A model offered by an agent; field names are the API's. */
export interface AcpModel {
  model_id: string;
  name: string | null;
  description: string | null;
}

/** The models of a session. They are switched by a method or a configuration option. */
export interface SessionModels {
  current: string | null;
  available: AcpModel[];
  /** Id of the configuration option; undefined for `session/set_model`. */
  optionId?: string;
}

/** Reads the models of a session response: from a configuration option, or from `models` of older agents. */
export function readModels(answer: unknown): SessionModels | undefined {
  const { models, configOptions } = asJsonObject(answer);
  const option = findOption(configOptions, 'model');
  if (option) return fromOption(option);
  const { currentModelId, availableModels } = asJsonObject(models);
  if (!Array.isArray(availableModels)) return undefined;
  return {
    current: asText(currentModelId),
    available: availableModels.map(asJsonObject).flatMap((model) => modelOf(model, model['modelId'])),
  };
}

/** The configuration option of a category; if agents omit the category, the option with that id. */
export function findOption(options: unknown, category: string): JsonObject | undefined {
  const all = (Array.isArray(options) ? options : [])
    .map(asJsonObject)
    .filter(({ id }) => typeof id === 'string');
  return (
    all.find((option) => option['category'] === category) ??
    all.find((option) => option['id'] === category && option['category'] === undefined)
  );
}

function fromOption(option: JsonObject): SessionModels {
  const entries = Array.isArray(option['options']) ? option['options'].map(asJsonObject) : [];
  // Values may be grouped.
  const values = entries.flatMap((entry) =>
    Array.isArray(entry['options']) ? entry['options'].map(asJsonObject) : [entry],
  );
  return {
    current: asText(option['currentValue']),
    available: values.flatMap((value) => modelOf(value, value['value'])),
    optionId: String(option['id']),
  };
}

function modelOf({ name, description }: JsonObject, id: unknown): AcpModel[] {
  if (typeof id !== 'string') return [];
  return [{ model_id: id, name: asText(name), description: asText(description) }];
}
