import path from 'node:path';
import { textContent, type TextContent } from '../../events/index.js';
import { globMatcher, SearchError } from '../../tools/index.js';
import type { Skill } from './skill.js';
import { matchedTrigger } from './triggers.js';

/** What is added to a message. */
export interface MessageExtras {
  /** Names of the skills that its text triggered. */
  activated: string[];
  /** At most one block. */
  content: TextContent[];
}

/**
 * The texts to add to a user message: the skills that it triggers, each once per conversation, and the
 * configured suffix.
 * @param activated names of skills that were already added
 */
export function messageExtras(
  text: string,
  skills: readonly Skill[],
  activated: readonly string[],
  suffix: string | null,
): MessageExtras {
  const matches = skills.flatMap((skill) => {
    const word = activated.includes(skill.name) ? undefined : matchedTrigger(skill, text);
    return word === undefined ? [] : [{ skill, word }];
  });
  const blocks = matches.map(({ skill, word }) => knowledgeBlock(skill, word)).join('\n\n');
  const extras = [blocks, suffix?.trim() ? suffix : ''].filter((part) => part !== '').join('\n');
  return {
    activated: matches.map(({ skill }) => skill.name),
    content: extras === '' ? [] : [textContent(extras)],
  };
}

/**
 * The path rules for touched files that the agent has not received yet.
 * @param files absolute paths
 * @param workspace absolute path; patterns are relative to it
 */
export function pathRulesFor(
  files: readonly string[],
  workspace: string,
  skills: readonly Skill[],
  known: readonly string[],
): { activated: string[]; content: TextContent[] } {
  const paths = files.map((file) => path.relative(workspace, file).split(path.sep).join('/'));
  const matches = skills.flatMap((skill) => {
    const pattern = known.includes(skill.name) ? undefined : matchedPattern(skill, paths);
    return pattern === undefined ? [] : [{ skill, pattern }];
  });
  const blocks = matches.map(({ skill, pattern }) => ruleBlock(skill, pattern)).join('\n');
  return {
    activated: matches.map(({ skill }) => skill.name),
    content: blocks === '' ? [] : [textContent(blocks)],
  };
}

/**
 * The names of the path rules contained in a text: which rules the agent has received is derived from the
 * log.
 */
export function pathRulesIn(text: string, skills: readonly Skill[]): string[] {
  return skills
    .filter((skill) => skill.trigger?.type === 'path' && text.includes(ruleTail(skill)))
    .map(({ name }) => name);
}

function matchedPattern({ trigger }: Skill, paths: readonly string[]): string | undefined {
  if (trigger?.type !== 'path') return undefined;
  const inside = paths.filter((file) => !file.startsWith('../'));
  return trigger.paths.find((pattern) => inside.some((file) => matchesGlob(file, pattern)));
}

function knowledgeBlock(skill: Skill, word: string): string {
  const place =
    skill.source === null
      ? ''
      : `Skill location: ${skill.source}\n(Files that it refers to by relative paths are found from there)\n\n`;
  return `<EXTRA_INFO>
The following information has been included based on a keyword match for "${word}".
Use it where it helps with what the user wants.

${place}
${skill.content}
</EXTRA_INFO>`;
}

function ruleBlock(skill: Skill, pattern: string): string {
  return `<EXTRA_INFO>
The following rule applies because a file you touched matches "${pattern}". Keep to it in all files that match.
${ruleTail(skill)}`;
}

function ruleTail({ source, content }: Skill): string {
  return `${source === null ? '' : `Rule location: ${source}\n`}\n${content}\n</EXTRA_INFO>`;
}

/** Whether a path with `/` as separator matches a pattern. Patterns that are too complex match nothing. */
export function matchesGlob(path: string, pattern: string): boolean {
  try {
    return globMatcher(pattern, { hidden: true, inside: true })(path);
  } catch (error) {
    if (error instanceof SearchError) return false;
    throw error;
  }
}
