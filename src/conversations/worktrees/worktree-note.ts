import type { AgentSpec } from '../../agent/index.js';
import { toPlain } from '../../http/index.js';
import { AgentContextDto } from '../../settings/index.js';
import { asJsonObject } from '../../json/index.js';
import type { CreatedWorktree } from './worktrees.js';

const FIRST_LINE = 'This conversation uses a dedicated git worktree.';

/** Adds a note about its worktree to an agent's system message. Replaces the note of another worktree. */
export function withWorktreeNote(agent: AgentSpec, workspace: string, worktree: CreatedWorktree): AgentSpec {
  const { record, workingDir } = worktree;
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
    ...asJsonObject(toPlain(new AgentContextDto())),
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
