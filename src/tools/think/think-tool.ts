import { textContent } from '../../events/index.js';
import { answeringTool } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';

/** Lets the model write down its reasoning. The only effect is the event in the log. */
export const thinkDefinition: ToolDefinition = {
  name: 'think',
  kind: 'ThinkTool',
  actionKind: 'ThinkAction',
  observationKind: 'ThinkObservation',
  title: 'think',
  description:
    'Use the tool to think about something. It will not obtain new information or make any changes to the ' +
    'repository, but just log the thought.\n\n' +
    'It helps before decisions that are hard to take back: to compare ways of fixing a bug, to work out why a test ' +
    'fails, to plan a refactoring or a design, or to collect what you know about an unclear problem.',
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: { thought: { type: 'string', description: 'The thought to log.' } },
    required: ['thought'],
  },
  create: () => answeringTool(thinkDefinition, () => [textContent('Your thought has been logged.')]),
};
