import type { Skill } from './skill.js';

type Family = 'claude' | 'gemini' | 'other';

/**
 * Beginnings of the names of models whose maker is known, and is none of the two with a file of their own.
 */
const OTHERS = /^(gpt-|chatgpt|codex|o[134](-|$)|deepseek|kimi|minimax|glm|qwen|mistral|llama|grok|devstral)/;

/** Leaves out what is written for models of another maker; a model that nobody knows is told everything. */
export function forModel(skills: readonly Skill[], model: string): Skill[] {
  const family = familyOf(model);
  if (family === undefined) return [...skills];
  return skills.filter(({ name }) => {
    const [file = ''] = name.split(':');
    return (file !== 'claude' && file !== 'gemini') || file === family;
  });
}

function familyOf(model: string): Family | undefined {
  const name = model.toLowerCase();
  if (name.includes('claude')) return 'claude';
  if (name.includes('gemini')) return 'gemini';
  return OTHERS.test(name.split('/').pop() ?? '') ? 'other' : undefined;
}
