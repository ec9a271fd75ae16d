import type { Observation } from '../../events/index.js';
import { functionTool, withWorkingDir, textArgument } from '../function-tool.js';
import type { ExecutionContext, ToolDefinition } from '../tool.js';
import { filesOf, type ToolHost } from '../tool-host.js';
import { runFileSearch, MAX_FILES, searchFolder } from './file-search.js';
import { globMatcher } from './glob-matcher.js';
import { searchFiles } from './ripgrep.js';

/** Lets the agent find files by their contents. */
export const grepDefinition: ToolDefinition = {
  name: 'grep',
  kind: 'GrepTool',
  actionKind: 'GrepAction',
  observationKind: 'GrepObservation',
  title: 'grep',
  description:
    'Fast content search tool: finds the files that contain something.\n' +
    '* Takes regular expressions, as in "log.*Error" or "function\\s+\\w+"; case does not count.\n' +
    '* `include` says which files to look at, as in "*.js" or "*.{ts,tsx}".\n' +
    '* Answers the paths of the files and not the lines, the file changed last first, the first 100 of them. Use a ' +
    'stricter pattern or `path` if there are more.\n' +
    '* Leaves out what .gitignore names, and hidden and binary files.',
  annotations: {
    title: 'grep',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      pattern: { type: 'string', description: 'The regex pattern to search for in file contents' },
      path: {
        type: 'string',
        description: 'The directory (absolute path) to search in. Defaults to the current working directory.',
      },
      include: {
        type: 'string',
        description: 'Optional file pattern to filter which files to search (e.g., "*.js", "*.{ts,tsx}")',
      },
    },
    required: ['pattern'],
  },
  create: (host) =>
    functionTool(withWorkingDir(grepDefinition, host.workingDir, 'Relative paths are relative to it.'), {
      execute: (args, context) => grep(host, args, context),
    }),
};

function grep(
  host: ToolHost,
  args: Record<string, unknown>,
  { signal }: ExecutionContext,
): Promise<Observation> {
  const pattern = textArgument(args, 'pattern') ?? '';
  const include = textArgument(args, 'include');
  const folder = searchFolder(host.workingDir, textArgument(args, 'path'));
  return runFileSearch({
    files: filesOf(host),
    folder,
    criterion: `containing pattern '${pattern}'`,
    suffix: include === undefined ? '' : ` (filtered by '${include}')`,
    find: () => find(host, folder, { pattern, include }, signal),
    observation: (matches, truncated) => ({
      matches,
      pattern,
      search_path: folder,
      ...(include === undefined ? {} : { include_pattern: include }),
      truncated,
      kind: grepDefinition.observationKind,
    }),
  });
}

function find(
  { confinement }: ToolHost,
  folder: string,
  { pattern, include }: { pattern: string; include: string | undefined },
  signal: AbortSignal,
): Promise<{ files: string[]; truncated: boolean }> {
  const args = ['--files-with-matches', '--ignore-case', '--engine=auto', `--regexp=${pattern}`];
  let accepts: (file: string) => boolean = () => true;
  if (include?.includes('/')) {
    accepts = globMatcher(include.replace(/^\/+/, ''));
  } else if (include) {
    // A file type makes ripgrep skip other files unread. `--glob` would include ignored files.
    args.push(`--type-add=asked:${include}`, '--type=asked');
  }
  return searchFiles({ folder, args, accepts, limit: MAX_FILES, confinement, signal });
}
