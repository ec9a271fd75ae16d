import { textContent, type Observation } from '../../events/index.js';
import { functionTool } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';
import { HostRefusal, type ToolModels } from '../tool-host.js';

/** Lets the agent switch to the model that its profile configuration assigns to the kind of task. */
export const routeTaskDefinition: ToolDefinition = {
  name: 'route_task_to_model',
  kind: 'ClassifyAndSwitchLLMTool',
  actionKind: 'ClassifyAndSwitchLLMAction',
  observationKind: 'ClassifyAndSwitchLLMObservation',
  title: 'route_task_to_model',
  description:
    'Has a model look at the conversation so far, find out what kind of task it is about, and switches to the model ' +
    'that is meant for tasks of this kind, from your next answer on. Use it at the beginning of a task, or when the ' +
    'task has become another one.',
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: true,
  },
  schema: { type: 'object', properties: {} },
  create: ({ models }, params) =>
    functionTool(routeTaskDefinition, {
      // The same resource as `switch_llm`, so that the two do not run concurrently.
      touches: () => [{ kind: 'tool', key: 'switch_llm' }],
      execute: (_args, { signal }) => route(models, params, signal),
    }),
};

async function route(
  models: ToolModels | undefined,
  params: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Observation> {
  const kind = routeTaskDefinition.observationKind;
  try {
    if (!models) throw new HostRefusal('The model of a sub-agent cannot be switched.');
    const { chosenClass, profile, model } = await models.route(params, signal);
    const text =
      `Classified task as '${chosenClass}' and switched to LLM profile '${profile}' (model '${model}'). ` +
      'Future agent steps will use this profile.';
    return {
      content: [textContent(text)],
      is_error: false,
      ...{ chosen_class: chosenClass, model: profile, active_model: model, kind },
    };
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    return { content: [textContent(error.message)], is_error: true, kind };
  }
}
