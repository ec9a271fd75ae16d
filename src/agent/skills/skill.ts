import { isJsonObject, type JsonObject, asText } from '../../json/index.js';
import type { AgentSpec } from '../agent-spec.js';

/** What activates a skill: words of a message or touched files. */
export type SkillTrigger =
  | { type: 'keyword'; keywords: string[] }
  | { type: 'task'; triggers: string[] }
  | { type: 'path'; paths: string[] };

/** Files of a skill by purpose; paths relative to `skill_root`. */
export interface SkillResources {
  [kind: string]: unknown;
  skill_root: string;
  scripts: string[];
  references: string[];
  assets: string[];
}

/** A skill as in the API, keys in the original's order. */
export interface Skill {
  [field: string]: unknown;
  name: string;
  content: string;
  /** Null: always part of the prompt, or listed there for `SKILL.md` skills. */
  trigger: SkillTrigger | null;
  /** Absolute path of its file. */
  source: string | null;
  mcp_tools: JsonObject | null;
  inputs: JsonObject[];
  /** Whether it comes from a folder with a `SKILL.md`. */
  is_agentskills_format: boolean;
  version: string;
  description: string | null;
  license: string | null;
  compatibility: string | null;
  metadata: Record<string, string> | null;
  allowed_tools: string[] | null;
  /** The model does not see it and cannot invoke it; triggers still activate it. */
  disable_model_invocation: boolean;
  resources: SkillResources | null;
}

/** Creates a skill; missing fields get defaults. */
export function makeSkill(known: Partial<Skill> & Pick<Skill, 'name' | 'content'>): Skill {
  return {
    name: known.name,
    content: known.content,
    trigger: known.trigger ?? null,
    source: known.source ?? null,
    mcp_tools: known.mcp_tools ?? null,
    inputs: known.inputs ?? [],
    is_agentskills_format: known.is_agentskills_format ?? false,
    version: known.version ?? '1.0.0',
    description: known.description ?? null,
    license: known.license ?? null,
    compatibility: known.compatibility ?? null,
    metadata: known.metadata ?? null,
    allowed_tools: known.allowed_tools ?? null,
    disable_model_invocation: known.disable_model_invocation ?? false,
    resources: known.resources ?? null,
  };
}

/** The skills in an agent's configuration; invalid entries are skipped. */
export function skillsOf({ agent_context: context }: Pick<AgentSpec, 'agent_context'>): Skill[] {
  const skills = context?.['skills'];
  return Array.isArray(skills) ? skills.flatMap(asSkill) : [];
}

function asSkill(value: unknown): Skill[] {
  if (!isJsonObject(value)) return [];
  const { name, content, source, description } = value;
  if (typeof name !== 'string' || typeof content !== 'string') return [];
  return [
    makeSkill({
      name,
      content,
      trigger: asTrigger(value['trigger']),
      source: asText(source),
      mcp_tools: isJsonObject(value['mcp_tools']) ? value['mcp_tools'] : null,
      inputs: Array.isArray(value['inputs']) ? value['inputs'].filter(isJsonObject) : [],
      version: asText(value['version']) ?? undefined,
      description: asText(description),
      license: asText(value['license']),
      compatibility: asText(value['compatibility']),
      metadata: asTextMap(value['metadata']),
      allowed_tools: Array.isArray(value['allowed_tools']) ? stringsIn(value['allowed_tools']) : null,
      resources: asResources(value['resources']),
      is_agentskills_format: value['is_agentskills_format'] === true,
      disable_model_invocation: value['disable_model_invocation'] === true,
    }),
  ];
}

function asTextMap(value: unknown): Record<string, string> | null {
  if (!isJsonObject(value)) return null;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, String(field)]));
}

function asResources(value: unknown): SkillResources | null {
  if (!isJsonObject(value) || typeof value['skill_root'] !== 'string') return null;
  const { scripts, references, assets } = value;
  return {
    skill_root: value['skill_root'],
    scripts: stringsIn(scripts),
    references: stringsIn(references),
    assets: stringsIn(assets),
  };
}

function asTrigger(value: unknown): SkillTrigger | null {
  if (!isJsonObject(value)) return null;
  switch (value['type']) {
    case 'keyword':
      return { type: 'keyword', keywords: stringsIn(value['keywords']) };
    case 'task':
      return { type: 'task', triggers: stringsIn(value['triggers']) };
    case 'path':
      return { type: 'path', paths: stringsIn(value['paths']) };
    default:
      return null;
  }
}

/** The strings of a list; anything else is ignored. */
export function stringsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** Whether the model may invoke a skill by name. */
export function isInvocable(skill: Skill): boolean {
  return !skill.disable_model_invocation && skill.trigger?.type !== 'path';
}

/**
 * Whether the model needs the tool that invokes skills: only `SKILL.md` skills are not fully in the prompt.
 */
export function needsInvokeTool(skills: readonly Skill[]): boolean {
  return skills.some((skill) => skill.is_agentskills_format && isInvocable(skill));
}

/** Merges lists; of skills with the same name the first one wins. */
export function firstByName(...lists: (readonly Skill[])[]): Skill[] {
  const known = new Map<string, Skill>();
  for (const skill of lists.flat()) if (!known.has(skill.name)) known.set(skill.name, skill);
  return [...known.values()];
}
