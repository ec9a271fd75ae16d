import type { Observation } from '../../events/index.js';
import { functionTool, withWorkingDir, textArgument } from '../function-tool.js';
import type { ExecutionContext, ToolDefinition } from '../tool.js';
import { filesOf, type ToolHost } from '../tool-host.js';
import { runFileSearch, MAX_FILES, searchFolder } from './file-search.js';
import { planGlob } from './glob-plan.js';
import { searchFiles } from './ripgrep.js';

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
  create: (host) =>
    functionTool(
      withWorkingDir(globDefinition, host.workingDir, 'Patterns and relative paths are relative to it.'),
      {
        execute: (args, context) => glob(host, args, context),
      },
    ),
};

function glob(
  host: ToolHost,
  args: Record<string, unknown>,
  { signal }: ExecutionContext,
): Promise<Observation> {
  const pattern = textArgument(args, 'pattern') ?? '';
  const folder = searchFolder(host.workingDir, textArgument(args, 'path'));
  return runFileSearch({
    files: filesOf(host),
    folder,
    criterion: `matching pattern '${pattern}'`,
    find: () => find(host, folder, pattern, signal),
    observation: (files, truncated) => ({
      files,
      pattern,
      search_path: folder,
      truncated,
      kind: globDefinition.observationKind,
    }),
  });
}

async function find(
  host: ToolHost,
  root: string,
  pattern: string,
  signal: AbortSignal,
): Promise<{ files: string[]; truncated: boolean }> {
  const { folder, accepts, hidden } = planGlob(root, pattern);
  if ((await filesOf(host).kind(folder)) !== 'directory') return { files: [], truncated: false };
  const args = ['--files', ...(hidden ? ['--hidden', '--glob=!.git'] : [])];
  return searchFiles({ folder, args, accepts, limit: MAX_FILES, confinement: host.confinement, signal });
}
