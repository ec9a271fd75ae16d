import type { AgentSpec } from '../../agent/agent-spec.js';
import { toPlain } from '../../http/validation/dto.js';
import { AgentContextDto } from '../../settings/dto/agent-context.dto.js';
import { isJsonObject } from '../../json/index.js';
import type { CreatedWorktree } from './worktrees.js';

const FIRST_LINE = 'This conversation uses a dedicated git worktree.';

/** The agent, told that it works in a worktree. What it was told of another one before is taken out. */
export function withWorktreeNote(agent: AgentSpec, workspace: string, made: CreatedWorktree): AgentSpec {
  const { record, workingDir } = made;
  const note = [
    FIRST_LINE,
    `- Original workspace: ${workspace}`,
    `- Worktree root: ${record.path}`,
    `- Active workspace: ${workingDir}`,
    `- Branch: ${record.branch}`,
    'Change files and use git only inside this worktree, on this branch or on one that starts from it. Leave the ' +
      'original workspace as it is.',
  ].join('\n');
  const context = agent.agent_context ?? {
    ...object(toPlain(new AgentContextDto())),
    current_datetime: null,
  };
  const own = withoutNote(context['system_message_suffix']);
  const system_message_suffix = own === '' ? note : `${own}\n\n${note}`;
  return { ...agent, agent_context: { ...context, system_message_suffix } };
}

function withoutNote(suffix: unknown): string {
  if (typeof suffix !== 'string') return '';
  const start = suffix.indexOf(FIRST_LINE);
  return (start === -1 ? suffix : suffix.slice(0, start)).trim();
}

function object(value: unknown): Record<string, unknown> {
  return isJsonObject(value) ? value : {};
}
