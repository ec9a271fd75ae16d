import { makeFolder } from '../../files/index.js';
import { fetchGit } from './fetch-git.js';
import { GitFetchError } from '../git-errors.js';

/** Limits for the files that are checked out. */
const LIMITS = { files: 10_000, bytes: 200 * 1024 * 1024 } as const;

/** What to check out, and how. */
interface CheckOutRequest {
  address: string;
  /** Null means HEAD. */
  ref: string | null;
  /** A folder in the repository; empty for the whole repository. */
  part: string;
  /** Absolute path of the target folder; must not exist. */
  target: string;
  /** Time limit, in terms of `performance.now()`. */
  deadline: number;
  withUserConfig: boolean;
}

/**
 * Fetches one commit of a repository and checks out its files: all of them, or only those of `part` if all
 * exceed the limits. Sizes are checked before the checkout.
 * @returns the commit
 * @throws GitFetchError
 */
export async function checkOut({ address, ref, part, target, ...options }: CheckOutRequest): Promise<string> {
  await makeFolder(target, 0o700);
  const git = (...args: string[]): Promise<string> => fetchGit(args, { cwd: target, ...options });
  await git('init', '-q', '--template=');
  await git('fetch', '-q', '--depth', '1', '--no-tags', '--', address, ref ?? 'HEAD');
  const files = parseTree(await git('ls-tree', '-r', '-l', '-z', '--full-tree', 'FETCH_HEAD'));
  const wanted = part === '' ? files : files.filter(({ name }) => name.startsWith(`${part}/`));
  if (part !== '' && wanted.length === 0) throw new GitFetchError(`The repository has no folder ${part}`);
  const isSmall = isWithinLimits(files);
  if (!isSmall && !isWithinLimits(wanted)) {
    throw new GitFetchError(`The repository has more than ${LIMITS.files} files or ${LIMITS.bytes} bytes`);
  }
  if (files.length > 0) {
    const paths = isSmall || part === '' ? '.' : part;
    // Attributes of the repository choose filters: without the user's configuration none are defined.
    const offline = { cwd: target, ...options, withUserConfig: false };
    await fetchGit(['checkout', '-q', 'FETCH_HEAD', '--', paths], offline);
  }
  return (await git('rev-parse', 'FETCH_HEAD')).trim();
}

interface ListedFile {
  name: string;
  /** Bytes. */
  size: number;
}

/** Parses entries `100644 blob 0123abc    42\tname`, separated by zeros. */
function parseTree(output: string): ListedFile[] {
  return output.split('\0').flatMap((line) => {
    const [, size, name] = /^\d+ blob [\da-f]+ +(\d+)\t(.+)$/s.exec(line) ?? [];
    return size === undefined || name === undefined ? [] : [{ name, size: Number(size) }];
  });
}

function isWithinLimits(files: readonly ListedFile[]): boolean {
  return files.length <= LIMITS.files && files.reduce((sum, { size }) => sum + size, 0) <= LIMITS.bytes;
}
