import { makeSkill, type Skill } from '../../agent/skills/index.js';
import type { SandboxConfigDto } from './skills.dto.js';

/** What the agent has to know of the addresses that the user can open; nothing without any. */
export function sandboxSkills(config: SandboxConfigDto | null): Skill[] {
  const workers = config?.exposed_urls.filter(({ name }) => name.startsWith('WORKER_')) ?? [];
  if (workers.length === 0) return [];
  const lines = workers.map(({ url, port }) => `* ${url} (port ${port})`);
  const content =
    'The user can open these addresses in a browser. What listens on the port of one is what is seen there:\n' +
    lines.join('\n');
  return [makeSkill({ name: 'work_hosts', content })];
}
