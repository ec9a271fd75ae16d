import path from 'node:path';
import { isJsonObject, type JsonObject, asText } from '../../../json/index.js';
import { parseFrontmatter } from './frontmatter.js';
import { makeSkill, stringsIn, type Skill, type SkillTrigger } from '../skill.js';

/** Valid names of `SKILL.md` skills. */
const SKILL_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const MAX_NAME = 64;

const ASK_FOR_VARIABLES =
  "If the user didn't provide any of these variables, ask the user to provide them first before the agent can " +
  'proceed with the task.';

/** A file is not a valid skill. */
class SkillFileError extends Error {
  override readonly name = 'SkillFileError';
}

/** A skill and the warnings about its file. */
export interface ParsedSkill {
  skill: Skill;
  warnings: string[];
}

/**
 * Parses a Markdown file of a skills folder.
 * @param name used if the file does not name the skill
 * @throws FrontmatterError, SkillFileError
 */
export async function parseSkillFile(source: string, text: string, name: string): Promise<ParsedSkill> {
  const { fields, body } = await parseFrontmatter(text);
  return toSkill(fields, body, source, nameField(fields) ?? name);
}

function nameField(fields: JsonObject): string | undefined {
  const given = asText(fields['name'])?.trim();
  return given === '' ? undefined : given;
}

/**
 * Parses the `SKILL.md` of a folder. The folder must have the skill's name.
 * @throws FrontmatterError, SkillFileError
 */
export async function parseAgentSkill(source: string, text: string): Promise<ParsedSkill> {
  const { fields, body } = await parseFrontmatter(text);
  const folder = path.basename(path.dirname(source));
  const name = asText(fields['name']) ?? folder;
  if (!SKILL_NAME.test(name) || name.length > MAX_NAME) {
    throw new SkillFileError(
      `'${name}' is not a valid skill name: use lower-case letters, digits and single hyphens`,
    );
  }
  if (name !== folder)
    throw new SkillFileError(`the skill's name '${name}' differs from its folder '${folder}'`);
  const parsed = toSkill(fields, body, source, name);
  return { ...parsed, skill: { ...parsed.skill, is_agentskills_format: true } };
}

function toSkill(fields: JsonObject, body: string, source: string, name: string): ParsedSkill {
  const inputs = Array.isArray(fields['inputs']) ? fields['inputs'].filter(isJsonObject) : [];
  const { trigger, warnings } = triggerOf(fields, name, inputs.length > 0);
  const skill = makeSkill({
    name,
    content: trigger?.type === 'task' ? withVariables(body) : body,
    trigger,
    source,
    mcp_tools: isJsonObject(fields['mcp_tools']) ? fields['mcp_tools'] : null,
    inputs,
    version: scalar(fields['version']) ?? undefined,
    description: scalar(fields['description']),
    license: scalar(fields['license']),
    compatibility: scalar(fields['compatibility']),
    metadata: metadataOf(fields['metadata']),
    allowed_tools: wordList(fields['allowed-tools'] ?? fields['allowed_tools']),
    disable_model_invocation:
      trigger?.type === 'path' ||
      isTrue(fields['disable-model-invocation'] ?? fields['disable_model_invocation']),
  });
  return { skill, warnings };
}

function triggerOf(
  fields: JsonObject,
  name: string,
  hasInputs: boolean,
): { trigger: SkillTrigger | null; warnings: string[] } {
  const paths = commaList(fields['paths']);
  const keywords = commaList(fields['triggers']);
  if (paths.length > 0) {
    const warnings =
      keywords.length > 0 || hasInputs ? ['triggers and inputs are ignored because paths are set'] : [];
    return { trigger: { type: 'path', paths }, warnings };
  }
  if (hasInputs) {
    const command = `/${name}`;
    const triggers = keywords.includes(command) ? keywords : [...keywords, command];
    return { trigger: { type: 'task', triggers }, warnings: [] };
  }
  return { trigger: keywords.length > 0 ? { type: 'keyword', keywords } : null, warnings: [] };
}

function withVariables(body: string): string {
  return /\$\{\w+\}/.test(body) ? `${body}\n\n${ASK_FOR_VARIABLES}` : body;
}

/** A YAML list, or a comma-separated string. */
function commaList(value: unknown): string[] {
  const items = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value.map(scalar) : [];
  return items.flatMap((item) => (item === null || item.trim() === '' ? [] : [item.trim()]));
}

/** `Bash Read`, `Bash, Read` or a list. */
function wordList(value: unknown): string[] | null {
  if (typeof value === 'string') return value.split(/[\s,]+/).filter((word) => word !== '');
  const items = stringsIn(value);
  return items.length > 0 ? items : null;
}

function metadataOf(value: unknown): Record<string, string> | null {
  if (!isJsonObject(value)) return null;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, scalar(field) ?? JSON.stringify(field)]),
  );
}

function scalar(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}
