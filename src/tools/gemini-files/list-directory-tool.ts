import path from 'node:path';
import { textContent, type Observation } from '../../events/index.js';
import type { ConfinedFiles } from '../../files/index.js';
import { FileToolError } from '../text-files/file-tool-error.js';
import { functionTool, withWorkingDir } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';
import { filesOf } from '../tool-host.js';
import { fileArgument, kindOrRefusal, toFileToolError } from '../text-files/file-arguments.js';

/** The maximum number of entries in a result. */
const MAX_ENTRIES = 500;

/** An entry with the field names of the wire. */
interface Entry {
  name: string;
  path: string;
  is_directory: boolean;
  /** Bytes; 0 for a directory. */
  size: number;
  /** Local time without a zone, as the original writes it. */
  modified_time: string;
}

/** Lets the agent list a directory. */
export const listDirectoryDefinition: ToolDefinition = {
  name: 'list_directory',
  kind: 'ListDirectoryTool',
  actionKind: 'ListDirectoryAction',
  observationKind: 'ListDirectoryObservation',
  title: 'list_directory',
  description:
    'Lists what is in a directory, hidden files too: directories end with a slash, files come with their size in ' +
    `bytes. With \`recursive\` what is in its directories as well. At most ${MAX_ENTRIES} entries.\n\n` +
    'Examples:\n- list_directory()\n- list_directory(dir_path="src", recursive=True)',
  annotations: {
    title: 'list_directory',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      dir_path: {
        type: 'string',
        description: 'The path to the directory to list. Defaults to current directory.',
        default: '.',
      },
      recursive: {
        type: 'boolean',
        description: 'Whether to list subdirectories recursively (up to 2 levels).',
        default: false,
      },
    },
  },
  create: (host) => {
    const { workingDir } = host;
    const files = filesOf(host);
    const rule = 'Relative paths will be resolved from this directory.';
    return functionTool(withWorkingDir(listDirectoryDefinition, workingDir, rule), {
      execute: (args, { signal }) =>
        listDirectory(files, fileArgument(workingDir, args, 'dir_path'), args['recursive'] === true, signal),
    });
  },
};

async function listDirectory(
  files: ConfinedFiles,
  folder: string,
  recursive: boolean,
  signal: AbortSignal,
): Promise<Observation> {
  const kind = listDirectoryDefinition.observationKind;
  try {
    const pathType = await kindOrRefusal(files, folder);
    if (pathType === 'missing') throw new FileToolError(`Error: Directory not found: ${folder}`);
    if (pathType === 'file') throw new FileToolError(`Error: Path is not a directory: ${folder}`);
    const entries = await list(files, folder, recursive, signal);
    const isTruncated = entries.length > MAX_ENTRIES;
    const shown = entries.slice(0, MAX_ENTRIES);
    const count = `${shown.length} entries${isTruncated ? `, truncated to ${MAX_ENTRIES}` : ''}`;
    const lines = shown.map(
      (entry) => path.relative(folder, entry.path) + (entry.is_directory ? '/' : ` (${entry.size} bytes)`),
    );
    return {
      content: [textContent([`Listed directory: ${folder} (${count})`, ...lines].join('\n'))],
      is_error: false,
      dir_path: folder,
      entries: shown,
      total_count: shown.length,
      is_truncated: isTruncated,
      kind,
    };
  } catch (error) {
    if (!(error instanceof FileToolError)) throw error;
    const empty = { entries: [], total_count: 0, is_truncated: false };
    return { content: [textContent(error.message)], is_error: true, ...empty, kind };
  }
}

/** The entries of a folder by name, then those of its subfolders; at most one more than the limit. */
async function list(
  files: ConfinedFiles,
  folder: string,
  recursive: boolean,
  signal: AbortSignal,
): Promise<Entry[]> {
  const entries = await listOne(files, folder, MAX_ENTRIES + 1).catch((error: unknown) => {
    throw toFileToolError(error, 'read', folder);
  });
  if (!recursive) return entries;
  for (const { path: below } of entries.filter((entry) => entry.is_directory)) {
    signal.throwIfAborted();
    const room = MAX_ENTRIES + 1 - entries.length;
    if (room <= 0) break;
    // A folder that is unreadable or refused is listed without its content.
    entries.push(...(await listOne(files, below, room).catch(() => [])));
  }
  return entries;
}

async function listOne(files: ConfinedFiles, folder: string, limit: number): Promise<Entry[]> {
  const found = await files.entries(folder);
  const names = found.map(({ name }) => name).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const entries: Entry[] = [];
  // Sequentially: a large folder must not occupy all threads of the pool.
  for (const name of names.slice(0, limit)) {
    const file = path.join(folder, name);
    // For a link that is dangling or leads to what is refused, the link itself is described. Files that were
    // removed meanwhile, or are refused themselves, are skipped.
    const stats = await files
      .stat(file)
      .catch(() => files.linkStat(file))
      .catch(() => undefined);
    if (!stats) continue;
    const is_directory = stats.isDirectory();
    const size = is_directory ? 0 : stats.size;
    entries.push({ name, path: file, is_directory, size, modified_time: localTime(stats.mtime) });
  }
  return entries;
}

function localTime(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().replace('Z', '000');
}
