import { textContent, type Observation } from '../../events/index.js';
import { functionTool, numberArgument, textArgument } from '../function-tool.js';
import type { ExecutionContext, ToolDefinition } from '../tool.js';
import { HostRefusal, type ToolHost } from '../tool-host.js';
import { truncateMiddle } from '../truncate.js';

/** The longest answer (characters): models are not sent longer observations. */
const MAX_ANSWER = 50_000;

/** Lets an agent whose model does not accept images ask one that does. */
export const inspectImageDefinition: ToolDefinition = {
  name: 'inspect_image_with_vision',
  kind: 'VisionInspectTool',
  actionKind: 'VisionInspectAction',
  observationKind: 'VisionInspectObservation',
  title: 'inspect_image_with_vision',
  description:
    'Asks a model that takes images about an image of the latest message of the user, which you cannot see yourself. It ' +
    'sees the image and your question, nothing else: ask for what you need to know.',
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: true,
  },
  schema: {
    type: 'object',
    properties: {
      image_index: {
        type: 'integer',
        description: 'Zero-based index of the image to inspect from the latest user message.',
        minimum: 0,
      },
      question: {
        type: 'string',
        description: 'Question to ask the vision model about the selected image.',
      },
      profile_name: {
        type: 'string',
        description:
          'Optional saved vision-capable LLM profile name. If omitted, the first available vision profile listed in ' +
          'the tool description is used.',
      },
    },
    required: ['image_index', 'question'],
  },
  create: (host) => {
    const names = host.models?.visionNames ?? [];
    const profiles = `Available vision-capable profiles:\n${names.map((name) => `- ${name}`).join('\n')}`;
    const description = `${inspectImageDefinition.description}\n\n${profiles}`;
    return functionTool(
      { ...inspectImageDefinition, description },
      { execute: (args, context) => inspect(host, args, context) },
    );
  },
};

async function inspect(
  { models, latestImages }: ToolHost,
  args: Record<string, unknown>,
  { signal }: ExecutionContext,
): Promise<Observation> {
  const image_index = numberArgument(args, 'image_index') ?? 0;
  const question = textArgument(args, 'question') ?? '';
  const profile = textArgument(args, 'profile_name') ?? models?.visionNames[0];
  const asked = { image_index, question, ...(profile === undefined ? {} : { profile_name: profile }) };
  const kind = inspectImageDefinition.observationKind;
  try {
    if (!models || profile === undefined || !models.visionNames.includes(profile)) {
      const named = profile === undefined ? 'No profile' : `Profile '${profile}'`;
      throw new HostRefusal(`${named} is not listed as a vision-capable profile for this conversation.`);
    }
    const images = latestImages?.() ?? [];
    const image = images[image_index];
    if (image === undefined) {
      throw new HostRefusal(
        `Image index ${image_index} is out of range. The latest user message has ${images.length} image(s).`,
      );
    }
    const request = { profile, usageId: `vision-profile:${profile}`, question, images: [image] };
    const { text, model, baseUrl } = await models.ask(request, signal);
    const answer = truncateMiddle(text, MAX_ANSWER);
    const facts = { model, ...(baseUrl === null ? {} : { base_url: baseUrl }), answer };
    return { content: [textContent(answer)], is_error: false, ...asked, ...facts, kind };
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    return { content: [textContent(error.message)], is_error: true, ...asked, kind };
  }
}
