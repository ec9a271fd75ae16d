import { textContent, type Observation } from '../../events/index.js';
import { functionTool, textArgument } from '../function-tool.js';
import type { ExecutionContext, ToolDefinition } from '../tool.js';
import { HostRefusal, type ToolModels } from '../tool-host.js';
import { truncateMiddle } from '../truncate.js';

/** The name of the profile whose model is asked. */
const PROFILE = 'oracle';
/** The longest answer (characters): models are not sent longer observations. */
const MAX_ANSWER = 50_000;

const INSTRUCTIONS =
  'An agent that works on a task asks you for advice. You see only its question. Weigh the alternatives, recommend one ' +
  'clearly and say why; name what would change your mind. Say so if the question lacks something that matters.';

/** Lets the agent ask a stronger model for its opinion. */
export const askOracleDefinition: ToolDefinition = {
  name: 'ask_oracle',
  kind: 'AskOracleTool',
  actionKind: 'AskOracleAction',
  observationKind: 'AskOracleObservation',
  title: 'ask_oracle',
  description:
    'Asks the Oracle, a model for difficult questions, for a second opinion. Use it when you are stuck, uncertain, or ' +
    'about to decide something that is hard to undo. It sees nothing of your work but the question: put into it what ' +
    'matters. Follow its advice unless you have a clear reason not to.',
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: true,
  },
  schema: {
    type: 'object',
    properties: {
      question: {
        type: 'string',
        description:
          'The specific question or dilemma to ask the Oracle about. Use this when you are stuck, uncertain, or need a ' +
          'second opinion.',
      },
      context: {
        type: 'string',
        description:
          'Optional extra context, such as approaches already tried, constraints, or the recommendation you are ' +
          'considering.',
      },
    },
    required: ['question'],
  },
  create: ({ models }) =>
    functionTool(askOracleDefinition, { execute: (args, context) => ask(models, args, context) }),
};

async function ask(
  models: ToolModels | undefined,
  args: Record<string, unknown>,
  { signal }: ExecutionContext,
): Promise<Observation> {
  const context = textArgument(args, 'context');
  const sections = [`Question:\n${textArgument(args, 'question') ?? ''}`];
  if (context !== undefined && context !== '')
    sections.push(`Additional context from the agent:\n${context}`);
  const kind = askOracleDefinition.observationKind;
  try {
    if (!models) throw new HostRefusal('The Oracle is not available to sub-agents.');
    const request = { profile: PROFILE, instructions: INSTRUCTIONS, question: sections.join('\n\n') };
    const { text: answer } = await models.ask(request, signal);
    return { content: [textContent(truncateMiddle(answer, MAX_ANSWER))], is_error: false, kind };
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    const text = `The Oracle is not available: ${error.message}`;
    return { content: [textContent(text)], is_error: true, kind };
  }
}
