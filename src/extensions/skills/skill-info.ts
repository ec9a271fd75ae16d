import type { Skill } from '../../agent/index.js';

/** A skill in lists. */
export interface SkillInfo {
  name: string;
  type: 'repo' | 'knowledge' | 'agentskills';
  /** Without frontmatter. */
  content: string;
  triggers: string[];
  /** Absolute path of its file. */
  source: string | null;
  description: string | null;
  is_agentskills_format: boolean;
  disable_model_invocation: boolean;
}

/** Converts a skill for lists. */
export function skillInfo(skill: Skill): SkillInfo {
  const { name, content, source, description, is_agentskills_format, disable_model_invocation } = skill;
  return {
    name,
    type: typeOf(skill),
    content,
    triggers: triggersOf(skill),
    source,
    description,
    is_agentskills_format,
    disable_model_invocation,
  };
}

function typeOf({ is_agentskills_format, trigger }: Skill): SkillInfo['type'] {
  if (is_agentskills_format) return 'agentskills';
  return trigger === null ? 'repo' : 'knowledge';
}

function triggersOf({ trigger }: Skill): string[] {
  switch (trigger?.type) {
    case 'keyword':
      return trigger.keywords;
    case 'task':
      return trigger.triggers;
    default:
      return [];
  }
}
