import { textContent } from '../../events/index.js';
import { answeringTool } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';

/** Ends the run with a final message to the user. The agent loop detects the call; the tool only answers. */
export const finishDefinition: ToolDefinition = {
  name: 'finish',
  kind: 'FinishTool',
  actionKind: 'FinishAction',
  observationKind: 'FinishObservation',
  title: 'finish',
  description:
    'Signals the completion of the current task or conversation.\n\n' +
    'Call it when the task is done, when you cannot get further (say what stopped you), or when nothing is left to ' +
    'do. The message tells the user what you did and found, the state in which you leave things, and what they may ' +
    'want to do next.',
  annotations: {
    title: 'finish',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: { message: { type: 'string', description: 'Final message to send to the user.' } },
    required: ['message'],
  },
  create: () => answeringTool(finishDefinition, ({ message }) => [textContent(String(message))]),
};
