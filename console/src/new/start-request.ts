import type { ApiError } from '../api/api-error.js';
import type { Schemas } from '../api/client.js';
import type { Analyzer, Draft } from './draft-fields.js';

type Request = Schemas['StartConversationRequest'];

/** The fields of the form at which a problem can stand; also the ids of their controls. */
export type FieldName =
  | 'message'
  | 'folder'
  | 'agent'
  | 'model'
  | 'apiKey'
  | 'baseUrl'
  | 'approval'
  | 'tools'
  | 'maxIterations'
  | 'budget'
  | 'skills'
  | 'plugins'
  | 'title'
  | 'tags';

/** Problems by field; those of no field are in `general`. */
export interface Problems {
  fields: Partial<Record<FieldName, string>>;
  general: string | null;
}

export const NO_PROBLEMS: Problems = { fields: {}, general: null };

/** Places in the request by the field that they come from; the longest first. */
const PLACES: readonly (readonly [string, FieldName])[] = [
  ['agent_settings.llm.api_key', 'apiKey'],
  ['agent_settings.llm.base_url', 'baseUrl'],
  ['agent_settings.llm', 'model'],
  ['agent_settings.tools', 'tools'],
  ['agent_settings.agent_context', 'skills'],
  ['agent_profile_id', 'agent'],
  ['llm_profile_ref', 'model'],
  ['workspace', 'folder'],
  ['worktree', 'folder'],
  ['initial_message', 'message'],
  ['confirmation_policy', 'approval'],
  ['security_analyzer', 'approval'],
  ['max_iterations', 'maxIterations'],
  ['max_budget_per_run', 'budget'],
  ['plugins', 'plugins'],
  ['title', 'title'],
  ['tags', 'tags'],
];

/** Puts the problems of a refused request to the fields of the form. */
export function problemsOf(error: ApiError): Problems {
  const fields: Partial<Record<FieldName, string>> = {};
  const rest: string[] = [];
  for (const { path, message } of error.fields) {
    const name = PLACES.find(([place]) => path === place || path.startsWith(`${place}.`))?.[1];
    if (name === undefined) rest.push(path === '' ? message : `${path}: ${message}`);
    else fields[name] ??= message;
  }
  const general = error.fields.length === 0 ? error.message : rest.join('\n');
  return { fields, general: general === '' ? null : general };
}

/** What is wrong with the form itself, before it is sent. */
export function problemsOfDraft(draft: Draft): Problems {
  const fields: Partial<Record<FieldName, string>> = {};
  if (draft.folder.trim() === '') fields.folder = 'Choose the folder in which the agent works.';
  if (draft.agentProfile === null && draft.profile === null && draft.model.trim() === '')
    fields.model = 'Choose a model.';
  const wrongTag = tagWords(draft.tags).find((word) => !/^[^=]+=/.test(word));
  if (wrongTag !== undefined) fields.tags = `"${wrongTag.slice(0, 60)}" has no value. Write name=value.`;
  if (draft.maxIterations !== '' && !/^\d{1,9}$/.test(draft.maxIterations.trim()))
    fields.maxIterations = 'Write a whole number.';
  if (draft.budget !== '' && !/^\d{1,9}([.,]\d+)?$/.test(draft.budget.trim()))
    fields.budget = 'Write an amount such as 2.50.';
  return { fields, general: null };
}

/** The request that a form stands for. */
export function toRequest(draft: Draft, conversationId: string): Request {
  const { maxIterations, budget, plugins } = draft;
  return {
    conversation_id: conversationId,
    workspace: { working_dir: folderOf(draft), kind: 'LocalWorkspace' },
    ...(draft.worktree && { worktree: true }),
    ...agentOf(draft),
    ...approvalOf(draft),
    ...(maxIterations.trim() !== '' && { max_iterations: Number(maxIterations) }),
    ...(budget.trim() !== '' && { max_budget_per_run: Number(budget.replace(',', '.')) }),
    ...(plugins.trim() !== '' && { plugins: lines(plugins).map((source) => ({ source })) }),
    ...(draft.title.trim() !== '' && { autotitle: false }),
    tags: Object.fromEntries(tagWords(draft.tags).map(tagOf)),
    initial_message: messageOfDraft(draft),
  };
}

/** Without the slash that completion has left at its end. */
export function folderOf({ folder }: Draft): string {
  const trimmed = folder.trim();
  return trimmed.length > 1 ? trimmed.replace(/\/+$/, '') : trimmed;
}

function agentOf(draft: Draft): Partial<Request> {
  if (draft.agentProfile !== null) return { agent_profile_id: draft.agentProfile };
  const isScripted = draft.profile === null && draft.model.startsWith('scripted/');
  const settings = {
    ...(draft.tools !== null && { tools: draft.tools.map((name) => ({ name })) }),
    agent_context: { ...draft.skills },
    // A scripted model counts its own answers, and would not find its place after a condensation.
    ...(isScripted && { condenser: { enabled: false } }),
  };
  if (draft.profile !== null) return { llm_profile_ref: draft.profile, agent_settings: settings };
  const { apiKey, baseUrl } = draft;
  const llm = {
    model: draft.model.trim(),
    stream: true,
    ...(apiKey.trim() !== '' && { api_key: apiKey.trim() }),
    ...(baseUrl.trim() !== '' && { base_url: baseUrl.trim() }),
  };
  return { agent_settings: { ...settings, llm } };
}

const RULES = {
  kind: 'EnsembleSecurityAnalyzer' as const,
  analyzers: [{ kind: 'PatternSecurityAnalyzer' as const }, { kind: 'PolicyRailSecurityAnalyzer' as const }],
};
const MODEL = { kind: 'LLMSecurityAnalyzer' as const };

function analyzerOf(analyzer: Analyzer): NonNullable<Request['security_analyzer']> {
  if (analyzer === 'rules') return RULES;
  if (analyzer === 'model') return MODEL;
  return { ...RULES, analyzers: [...RULES.analyzers, MODEL] };
}

function approvalOf({ approval, analyzer }: Draft): Partial<Request> {
  if (approval === 'always') return { confirmation_policy: { kind: 'AlwaysConfirm' } };
  if (approval === 'never') return { confirmation_policy: { kind: 'NeverConfirm' } };
  return { confirmation_policy: { kind: 'ConfirmRisky' }, security_analyzer: analyzerOf(analyzer) };
}

function messageOfDraft({ message, images }: Draft): Request['initial_message'] {
  if (message.trim() === '' && images.length === 0) return null;
  return {
    role: 'user',
    content: [
      { type: 'text', text: message },
      ...(images.length > 0 ? [{ type: 'image' as const, image_urls: images.map(({ url }) => url) }] : []),
    ],
  };
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function tagWords(tags: string): string[] {
  return tags
    .split(/[,\n]/)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function tagOf(word: string): [string, string] {
  const end = word.indexOf('=');
  return [word.slice(0, end).trim(), word.slice(end + 1).trim()];
}
