import { makeFolder } from '../../files/index.js';
import { fetchGit } from './fetch-git.js';
import { GitFetchError } from '../git-errors.js';

/** The most that a repository may have for its files to be unpacked. */
const LIMITS = { files: 10_000, bytes: 200 * 1024 * 1024 } as const;

/** What is checked out, and how. */
export interface CheckOut {
  address: string;
  /** Undefined is HEAD. */
  ref: string | null;
  /** A folder in the repository; empty for all of it. */
  part: string;
  /** An absolute path where nothing is. */
  place: string;
  /** Moment (of `performance.now()`) at which it is ended. */
  deadline: number;
  withUserConfig: boolean;
}

/**
 * Fetches one commit of a repository and puts its files into a folder: all of them, or, where that is too
 * much, only those of the part. Sizes are looked at before anything is unpacked.
 * @returns the commit
 * @throws GitFetchError
 */
export async function checkOut({ address, ref, part, place, ...options }: CheckOut): Promise<string> {
  await makeFolder(place, 0o700);
  const git = (...args: string[]): Promise<string> => fetchGit(args, { cwd: place, ...options });
  await git('init', '-q', '--template=');
  await git('fetch', '-q', '--depth', '1', '--no-tags', '--', address, ref ?? 'HEAD');
  const files = listed(await git('ls-tree', '-r', '-l', '-z', '--full-tree', 'FETCH_HEAD'));
  const wanted = part === '' ? files : files.filter(({ name }) => name.startsWith(`${part}/`));
  if (part !== '' && wanted.length === 0) throw new GitFetchError(`There is no folder ${part} in it`);
  const isSmall = fits(files);
  if (!isSmall && !fits(wanted)) {
    throw new GitFetchError(`It has more than ${LIMITS.files} files or ${LIMITS.bytes} bytes`);
  }
  if (files.length > 0) {
    const paths = isSmall || part === '' ? '.' : part;
    // Which filters run is for the attributes of the repository to say: nobody's are known here.
    const offline = { cwd: place, ...options, withUserConfig: false };
    await fetchGit(['checkout', '-q', 'FETCH_HEAD', '--', paths], offline);
  }
  return (await git('rev-parse', 'FETCH_HEAD')).trim();
}

interface ListedFile {
  name: string;
  /** Bytes. */
  size: number;
}

/** `100644 blob 0123abc    42\tname`, each ended by a zero. */
function listed(output: string): ListedFile[] {
  return output.split('\0').flatMap((line) => {
    const [, size, name] = /^\d+ blob [\da-f]+ +(\d+)\t(.+)$/s.exec(line) ?? [];
    return size === undefined || name === undefined ? [] : [{ name, size: Number(size) }];
  });
}

function fits(files: readonly ListedFile[]): boolean {
  return files.length <= LIMITS.files && files.reduce((sum, { size }) => sum + size, 0) <= LIMITS.bytes;
}
