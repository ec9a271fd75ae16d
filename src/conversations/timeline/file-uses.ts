import type { ACPToolCallEvent, Action } from '../../events/index.js';
import { isJsonObject } from '../../json/index.js';
import type { FileUse } from './span.js';

const MAX_PATH_LENGTH = 1_024;
/** Files of one call, and characters of a patch that are searched for them. */
const MAX_FILES = 100;
const MAX_PATCH_LENGTH = 256 * 1024;

/** The lines of a patch that name a file. */
const PATCH_LINES: readonly { start: string; operation: FileUse['operation'] }[] = [
  { start: '*** Add File: ', operation: 'write' },
  { start: '*** Update File: ', operation: 'write' },
  { start: '*** Move to: ', operation: 'write' },
  { start: '*** Delete File: ', operation: 'delete' },
];

/** The files that a tool call uses, as far as its arguments name them: commands of a terminal do not. */
export function fileUses(action: Action | undefined): FileUse[] {
  if (!action) return [];
  const { kind, command, path, file_path: filePath, patch } = action;
  switch (kind) {
    case 'FileEditorAction':
    case 'StrReplaceEditorAction':
    case 'PlanningFileEditorAction':
      return use(path, command === 'view' ? 'read' : 'write');
    case 'ReadFileAction':
      return use(filePath, 'read');
    case 'WriteFileAction':
    case 'EditAction':
      return use(filePath, 'write');
    case 'ApplyPatchAction':
      return typeof patch === 'string' ? patchUses(patch.slice(0, MAX_PATCH_LENGTH)) : [];
    default:
      return [];
  }
}

/** The files that a call of an ACP agent has changed: those of which it sent a difference. */
export function acpFileUses({ content }: ACPToolCallEvent): FileUse[] {
  if (!Array.isArray(content)) return [];
  return content
    .slice(0, MAX_FILES)
    .flatMap((block) => (isJsonObject(block) && block['type'] === 'diff' ? use(block['path'], 'write') : []));
}

function patchUses(patch: string): FileUse[] {
  const uses: FileUse[] = [];
  for (const line of patch.split('\n')) {
    const found = line.startsWith('*** ') && PATCH_LINES.find(({ start }) => line.startsWith(start));
    if (found) uses.push(...use(line.slice(found.start.length), found.operation));
    if (uses.length >= MAX_FILES) break;
  }
  return uses;
}

function use(path: unknown, operation: FileUse['operation']): FileUse[] {
  if (typeof path !== 'string' || path === '' || path.length > MAX_PATH_LENGTH) return [];
  return [{ path: path.trim(), operation }];
}
