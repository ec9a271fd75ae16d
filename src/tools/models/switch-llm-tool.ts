import { textContent, type Observation } from '../../events/index.js';
import { functionTool, textArgument } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';
import { HostRefusal, type ToolModels } from '../tool-host.js';

/** Lets the agent switch to the model of another profile. */
export const switchLlmDefinition: ToolDefinition = {
  name: 'switch_llm',
  kind: 'SwitchLLMTool',
  actionKind: 'SwitchLLMAction',
  observationKind: 'SwitchLLMObservation',
  title: 'switch_llm',
  description:
    'Switches this conversation to the model of a saved LLM profile, from your next answer on. Use it when another ' +
    'profile suits the next steps better.',
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      profile_name: {
        type: 'string',
        description: 'Name of the saved LLM profile to use for future agent steps.',
      },
      reason: {
        type: 'string',
        description: 'Brief reason why this profile is a better fit for the next step.',
      },
    },
    required: ['profile_name', 'reason'],
  },
  create: ({ models }) => {
    const names = models?.names ?? [];
    const list = names.length > 0 ? names : ['No saved LLM profiles are currently available.'];
    const profiles = `Available LLM profiles:\n${list.map((name) => `- ${name}`).join('\n')}`;
    const description = `${switchLlmDefinition.description}\n\n${profiles}`;
    return functionTool(
      { ...switchLlmDefinition, description },
      { touches: () => [{ kind: 'tool', key: 'switch_llm' }], execute: (args) => switchLlm(models, args) },
    );
  },
};

async function switchLlm(
  models: ToolModels | undefined,
  args: Record<string, unknown>,
): Promise<Observation> {
  const profile = textArgument(args, 'profile_name') ?? '';
  const reason = textArgument(args, 'reason') ?? '';
  const kind = switchLlmDefinition.observationKind;
  try {
    if (!models) throw new HostRefusal('The model of a sub-agent cannot be switched.');
    const model = await models.switchTo(profile);
    const text =
      `Switched LLM profile to '${profile}' with active model '${model}'. Reason: ${reason} ` +
      'Future agent steps will use this profile.';
    const content = [textContent(text)];
    return { content, is_error: false, profile_name: profile, reason, active_model: model, kind };
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    return { content: [textContent(error.message)], is_error: true, profile_name: profile, reason, kind };
  }
}
