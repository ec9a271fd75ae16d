import { asJsonObject } from '../json/index.js';

/** A model that an agent offers; field names are the wire's. */
export interface AcpModel {
  model_id: string;
  name: string | null;
  description: string | null;
}

/**
 * The models of a session, and how another one is chosen: by a method of its own, or as a configuration
 * option.
 */
export interface SessionModels {
  current: string | null;
  available: AcpModel[];
  /** The id of the option; undefined: `session/set_model`. */
  optionId?: string;
}

/**
 * The models that an agent tells of with a session: as a configuration option, or the older way, as `models`.
 */
export function modelsIn(answer: unknown): SessionModels | undefined {
  const { models, configOptions } = asJsonObject(answer);
  const option = optionOf(configOptions, 'model');
  if (option) return fromOption(option);
  const { currentModelId, availableModels } = asJsonObject(models);
  if (!Array.isArray(availableModels)) return undefined;
  return {
    current: textOrNull(currentModelId),
    available: availableModels.map(asJsonObject).flatMap((model) => modelOf(model, model['modelId'])),
  };
}

/** The configuration option of a category; agents may leave the category out and call the option so. */
export function optionOf(options: unknown, category: string): Record<string, unknown> | undefined {
  const all = (Array.isArray(options) ? options : [])
    .map(asJsonObject)
    .filter(({ id }) => typeof id === 'string');
  return (
    all.find((option) => option['category'] === category) ??
    all.find((option) => option['id'] === category && option['category'] === undefined)
  );
}

function fromOption(option: Record<string, unknown>): SessionModels {
  const entries = Array.isArray(option['options']) ? option['options'].map(asJsonObject) : [];
  // Values may come in groups.
  const values = entries.flatMap((entry) =>
    Array.isArray(entry['options']) ? entry['options'].map(asJsonObject) : [entry],
  );
  return {
    current: textOrNull(option['currentValue']),
    available: values.flatMap((value) => modelOf(value, value['value'])),
    optionId: String(option['id']),
  };
}

function modelOf({ name, description }: Record<string, unknown>, id: unknown): AcpModel[] {
  if (typeof id !== 'string') return [];
  return [{ model_id: id, name: textOrNull(name), description: textOrNull(description) }];
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
