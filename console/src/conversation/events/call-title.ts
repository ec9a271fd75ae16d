import type { IconName } from '../../ui/icon.js';
import { recordAt, textAt, type WireEvent } from '../stream/wire-event.js';

/** How a tool call is headed. */
export interface CallTitle {
  icon: IconName;
  /** What is done, such as `Edit`. */
  verb: string;
  /** On what: a command, a path, a pattern. */
  object: string;
  /** How the call is shown. */
  body: CallBody;
}

/** The ways to show a call. */
export type CallBody =
  'terminal' | 'edit' | 'file' | 'search' | 'tasks' | 'browser' | 'think' | 'finish' | 'delegate' | 'json';

const EDITOR_VERBS: Readonly<Record<string, string>> = {
  create: 'Create',
  str_replace: 'Edit',
  insert: 'Insert into',
  undo_edit: 'Undo edit of',
  view: 'Read',
};

/** The heading of a tool call. Unknown tools get one too. */
export function titleOf(action: WireEvent | undefined, result: WireEvent | undefined): CallTitle {
  const event = action ?? result;
  const tool = textAt(event, 'tool_name') || textAt(event, 'title');
  const fields = recordAt(action, 'action') ?? recordAt(result, 'observation') ?? {};
  const kind = textAt(fields, 'kind').replace(/(Action|Observation)$/, '');
  const at = (field: string): string => textAt(fields, field);
  const file = (verb: string, path: string, body: CallBody = 'edit'): CallTitle => ({
    icon: body === 'edit' ? 'edit' : 'file',
    verb,
    object: path,
    body,
  });
  switch (kind) {
    case 'Terminal':
    case 'ExecuteBash':
      return {
        icon: 'terminal',
        verb: fields['is_input'] === true ? 'Type' : '',
        object: at('command'),
        body: 'terminal',
      };
    case 'FileEditor':
    case 'PlanningFileEditor':
      if (at('command') === 'view') return file('Read', at('path'), 'file');
      return file(EDITOR_VERBS[at('command')] ?? 'Edit', at('path'));
    case 'Edit':
      return file(at('old_string') === '' ? 'Create' : 'Edit', at('file_path'));
    case 'WriteFile':
      return file('Write', at('file_path'));
    case 'ApplyPatch':
      return file('Apply patch', patchedFiles(at('patch')));
    case 'ReadFile':
      return file('Read', at('file_path'), 'file');
    case 'ListDirectory':
      return file('List', at('dir_path'), 'search');
    case 'Grep':
      return { icon: 'search', verb: 'Search for', object: at('pattern'), body: 'search' };
    case 'Glob':
      return { icon: 'search', verb: 'Find files', object: at('pattern'), body: 'search' };
    case 'TaskTracker':
      return {
        icon: 'list',
        verb: at('command') === 'view' ? 'View the task list' : 'Update the task list',
        object: '',
        body: 'tasks',
      };
    case 'Think':
      return { icon: 'think', verb: 'Think', object: '', body: 'think' };
    case 'Finish':
      return { icon: 'check', verb: 'Finish', object: '', body: 'finish' };
    case 'Task':
    case 'Delegate':
    case 'StartChildConversation':
      return {
        icon: 'fork',
        verb: 'Delegate',
        object: at('description') || at('title') || at('task'),
        body: 'delegate',
      };
    case 'InvokeSkill':
      return { icon: 'file', verb: 'Read the skill', object: at('name') || at('skill_name'), body: 'json' };
    default:
      break;
  }
  if (kind.startsWith('Browser')) {
    const verb = kind
      .slice('Browser'.length)
      .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toLowerCase();
    return { icon: 'globe', verb: `Browser: ${verb}`, object: at('url') || at('text'), body: 'browser' };
  }
  return { icon: 'tool', verb: tool || 'Tool call', object: shortArguments(fields), body: 'json' };
}

/** A path below the folder in which the agent works, without that folder. */
export function shortPath(path: string, folder: string): string {
  // The folder may be relative to that of the server.
  const within = folder.startsWith('/') ? `${folder}/` : `/${folder}/`;
  const at = path.startsWith('/') && folder !== '' ? path.indexOf(within) : -1;
  return at < 0 || (at > 0 && folder.startsWith('/')) ? path : path.slice(at + within.length);
}

/** The files that a patch is about. */
function patchedFiles(patch: string): string {
  const names = [...patch.slice(0, 20_000).matchAll(/^\*\*\* (?:Update|Add|Delete) File: (.{1,300})$/gm)];
  return names.map(([, name = '']) => name).join(', ');
}

/** A few arguments in one line. */
function shortArguments(fields: Record<string, unknown>): string {
  const data = recordAt(fields, 'data') ?? fields;
  return Object.entries(data)
    .filter(([name, value]) => name !== 'kind' && ['string', 'number', 'boolean'].includes(typeof value))
    .slice(0, 3)
    .map(([name, value]) => `${name}: ${String(value).slice(0, 80)}`)
    .join(', ');
}
