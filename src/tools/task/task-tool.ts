import { textContent, type Content, type Observation } from '../../events/index.js';
import { functionTool, textArgument } from '../function-tool.js';
import type { ExecutionContext, ToolDefinition, ToolResource } from '../tool.js';
import { HostRefusal, type SubAgents } from '../tool-host.js';

const DEFAULT_TYPE = 'general-purpose';

/** Lets the agent delegate tasks to sub-agents, which have their own history and tools. */
export const taskDefinition: ToolDefinition = {
  name: 'task',
  kind: 'TaskTool',
  actionKind: 'TaskAction',
  observationKind: 'TaskObservation',
  title: 'task',
  description:
    'Launches a sub-agent that does a task of several steps by itself, in the same workspace, and answers with its ' +
    'result. It knows nothing of this conversation: say in `prompt` what to do, where (paths, names, messages), and ' +
    'what to report back. Its work keeps your own context small, but costs time: what one command would answer, do ' +
    'yourself.\n\n' +
    'A task that has ended can go on: give its id in `resume` and say in `prompt` what else is to be done.',
  annotations: {
    title: 'task',
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: true,
  },
  schema: {
    type: 'object',
    properties: {
      description: { type: 'string', description: 'A short (3-5 word) description of the task.' },
      prompt: { type: 'string', description: 'The task for the agent to perform.' },
      subagent_type: {
        type: 'string',
        description: 'The type of specialized agent to use for this task.',
        default: DEFAULT_TYPE,
      },
      resume: { type: 'string', description: 'Task ID of the task to resume from.' },
    },
    required: ['prompt'],
  },
  create: ({ subAgents }) => {
    const types = (subAgents?.types ?? []).map(
      ({ name, description, tools }) =>
        `- **${name}**: ${description}${tools.length > 0 ? ` (tools: ${tools.join(', ')})` : ''}`,
    );
    const list = `Available agent types and the tools they have access to:\n${types.join('\n')}`;
    const definition = { ...taskDefinition, description: `${taskDefinition.description}\n\n${list}` };
    return functionTool(definition, {
      touches,
      execute: (args, context) => runTask(subAgents, args, context),
    });
  },
  render,
};

/** Two calls must not resume the same task at the same time. */
function touches(args: Record<string, unknown>): ToolResource[] {
  const resume = textArgument(args, 'resume');
  return resume === undefined ? [] : [{ kind: 'tool', key: `task:${resume}` }];
}

async function runTask(
  subAgents: SubAgents | undefined,
  args: Record<string, unknown>,
  { signal }: ExecutionContext,
): Promise<Observation> {
  const kind = taskDefinition.observationKind;
  const type = textArgument(args, 'subagent_type') ?? DEFAULT_TYPE;
  const resume = textArgument(args, 'resume');
  try {
    if (!subAgents) throw new HostRefusal('A sub-agent has no sub-agents of its own.');
    const prompt = textArgument(args, 'prompt') ?? '';
    const { taskId, subagent, text, failed } = await subAgents.run({ prompt, type, resume }, signal);
    return {
      content: [textContent(text)],
      is_error: failed,
      task_id: taskId,
      subagent,
      status: failed ? 'error' : 'completed',
      kind,
    };
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    return {
      content: [textContent(`Failed to execute task: ${error.message}`)],
      is_error: true,
      task_id: 'unknown',
      subagent: type,
      status: 'error',
      kind,
    };
  }
}

function render(observation: Observation): Content[] {
  const { task_id: id, subagent, status, content } = observation;
  const header = `Task ID: ${String(id)}\nSubagent: ${String(subagent)}\nStatus: ${String(status)}`;
  return [textContent(header), ...content];
}
