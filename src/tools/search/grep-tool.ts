import type { Observation } from '../../events/index.js';
import { functionTool, inWorkspace, textArgument } from '../function-tool.js';
import type { ExecutionContext, ToolDefinition } from '../tool.js';
import { listFiles } from './file-list.js';
import { globMatcher } from './glob-matcher.js';
import { searchFiles } from './ripgrep.js';
import { MAX_FILES, searchPlace } from './search-place.js';

/** Lets the agent find files by what they say. */
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
  create: ({ workingDir }) =>
    functionTool(inWorkspace(grepDefinition, workingDir, 'Relative paths are relative to it.'), {
      execute: (args, context) => grep(workingDir, args, context),
    }),
};

function grep(
  workingDir: string,
  args: Record<string, unknown>,
  { signal }: ExecutionContext,
): Promise<Observation> {
  const pattern = textArgument(args, 'pattern') ?? '';
  const include = textArgument(args, 'include');
  const place = searchPlace(workingDir, textArgument(args, 'path'));
  return listFiles({
    place,
    what: `containing pattern '${pattern}'`,
    suffix: include === undefined ? '' : ` (filtered by '${include}')`,
    find: () => find(place, pattern, include, signal),
    observation: (matches, truncated) => ({
      matches,
      pattern,
      search_path: place,
      ...(include === undefined ? {} : { include_pattern: include }),
      truncated,
      kind: grepDefinition.observationKind,
    }),
  });
}

function find(
  place: string,
  pattern: string,
  include: string | undefined,
  signal: AbortSignal,
): Promise<{ files: string[]; truncated: boolean }> {
  const args = ['--files-with-matches', '--ignore-case', '--engine=auto', `--regexp=${pattern}`];
  let accepts: (file: string) => boolean = () => true;
  if (include?.includes('/')) {
    accepts = globMatcher(include.replace(/^\/+/, ''));
  } else if (include) {
    // Ripgrep passes over the others unread. A `--glob` it would take for a reason to look into ignored
    // files.
    args.push(`--type-add=asked:${include}`, '--type=asked');
  }
  return searchFiles({ folder: place, args, accepts, limit: MAX_FILES, signal });
}
