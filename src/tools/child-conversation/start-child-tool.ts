import { textContent, type Observation } from '../../events/index.js';
import { functionTool, textArgument } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';
import { HostRefusal, type ToolHost } from '../tool-host.js';

/** Lets the agent start a child conversation that works on a task independently. */
export const startChildDefinition: ToolDefinition = {
  name: 'start_child_conversation',
  kind: 'StartChildConversationTool',
  actionKind: 'StartChildConversationAction',
  observationKind: 'StartChildConversationObservation',
  title: 'start_child_conversation',
  description:
    'Starts a conversation of its own with an agent like you that works on a task while you go on. You are not told what ' +
    'becomes of it: tell the user its id. It knows nothing of this conversation, so `task` has to hold everything: the ' +
    'goal, paths, constraints, and what is to be delivered.\n\n' +
    '`isolation` says where it works: `worktree` in a git worktree and a branch of its own, which begin at the commit ' +
    'that is checked out, without changes that are not committed; `shared` in the same directory as you.\n\n' +
    'Each call starts another one: do not repeat a call that has answered with an id.',
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: true,
  },
  schema: {
    type: 'object',
    properties: {
      task: {
        type: 'string',
        description:
          'Self-contained brief for the child: the goal, relevant files or paths, constraints, and the expected ' +
          'deliverable. The child does not see this conversation.',
      },
      title: { type: 'string', description: 'Optional short title for the child conversation.' },
      isolation: {
        type: 'string',
        description:
          "'worktree' gives the child its own git worktree and branch when the workspace is a git repository; 'shared' " +
          'runs it in the same directory.',
        enum: ['worktree', 'shared'],
        default: 'worktree',
      },
    },
    required: ['task'],
  },
  create: (host) =>
    functionTool(startChildDefinition, {
      // Two worktrees of a repository cannot be created at the same time.
      touches: () => [{ kind: 'tool', key: 'start_child_conversation' }],
      execute: (args, { signal }) => {
        signal.throwIfAborted();
        return start(host, args);
      },
    }),
};

async function start({ startChild }: ToolHost, args: Record<string, unknown>): Promise<Observation> {
  const kind = startChildDefinition.observationKind;
  try {
    if (!startChild) throw new HostRefusal('a sub-agent starts no conversations');
    const task = textArgument(args, 'task') ?? '';
    if (task.trim() === '') throw new HostRefusal('the task is empty');
    const child = await startChild({
      task,
      title: textArgument(args, 'title') ?? null,
      isolation: args['isolation'] === 'shared' ? 'shared' : 'worktree',
    });
    const message = `Started child conversation ${child.conversation_id} (status: ${child.status}).`;
    const text = `${message}\n${JSON.stringify(child, undefined, 2)}`;
    const facts = Object.fromEntries(Object.entries(child).filter(([, value]) => value !== null));
    return { content: [textContent(text)], is_error: false, ...facts, kind };
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    const text = `Child conversation launch failed: ${error.message}`;
    return { content: [textContent(text)], is_error: true, kind };
  }
}
