import { textContent, type Observation } from '../../events/index.js';
import { functionTool, inWorkspace, textArgument } from '../function-tool.js';
import type { ExecutionContext, ToolDefinition } from '../tool.js';
import { planGlob } from './glob-plan.js';
import { SearchError, searchFiles } from './ripgrep.js';
import { CUT_NOTICE, isFolder, MAX_FILES, requireFolder, searchPlace } from './search-place.js';

/** Lets the agent find files by their names. */
export const globDefinition: ToolDefinition = {
  name: 'glob',
  kind: 'GlobTool',
  actionKind: 'GlobAction',
  observationKind: 'GlobObservation',
  title: 'glob',
  description:
    'Fast file pattern matching tool: finds files by name.\n' +
    '* Takes glob patterns: `*` and `?` within a name, `**` for any number of folders, `[a-z]`, `{a,b}`. A pattern ' +
    'without a slash is for names at any depth.\n' +
    '* Answers paths, the file changed last first, the first 100 of them. Use a stricter pattern or `path` if there ' +
    'are more.\n' +
    '* Leaves out what .gitignore names, and hidden files unless the pattern says the dot.\n\n' +
    'Examples: "**/*.js", "src/**/*.{ts,tsx}", "test_*.py", ".github/**/*.yml"',
  annotations: {
    title: 'glob',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      pattern: {
        type: 'string',
        description: 'The glob pattern to match files (e.g., "**/*.js", "src/**/*.ts")',
      },
      path: {
        type: 'string',
        description: 'The directory (absolute path) to search in. Defaults to the current working directory.',
      },
    },
    required: ['pattern'],
  },
  create: ({ workingDir }) =>
    functionTool(inWorkspace(globDefinition, workingDir, 'Patterns and relative paths are relative to it.'), {
      execute: (args, context) => glob(workingDir, args, context),
    }),
};

async function glob(
  workingDir: string,
  args: Record<string, unknown>,
  { signal }: ExecutionContext,
): Promise<Observation> {
  const pattern = textArgument(args, 'pattern') ?? '';
  const place = searchPlace(workingDir, textArgument(args, 'path'));
  const answer = (text: string, is_error: boolean, files: string[], truncated: boolean): Observation => ({
    content: [textContent(text)],
    is_error,
    files,
    pattern,
    search_path: place,
    truncated,
    kind: globDefinition.observationKind,
  });
  try {
    await requireFolder(place);
    const { files, truncated } = await find(place, pattern, signal);
    if (files.length === 0) {
      return answer(`No files found matching pattern '${pattern}' in directory '${place}'`, false, [], false);
    }
    const title = `Found ${files.length} file(s) matching pattern '${pattern}' in '${place}':`;
    const text = `${[title, ...files].join('\n')}${truncated ? CUT_NOTICE : ''}`;
    return answer(text, false, files, truncated);
  } catch (error) {
    if (!(error instanceof SearchError)) throw error;
    return answer(error.message, true, [], false);
  }
}

async function find(
  place: string,
  pattern: string,
  signal: AbortSignal,
): Promise<{ files: string[]; truncated: boolean }> {
  const { folder, accepts, hidden } = planGlob(place, pattern);
  if (!(await isFolder(folder))) return { files: [], truncated: false };
  const args = ['--files', ...(hidden ? ['--hidden', '--glob=!.git'] : [])];
  return searchFiles({ folder, args, accepts, limit: MAX_FILES, signal });
}
