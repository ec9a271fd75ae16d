import { realpath, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isInside } from '../../files/index.js';
import { checkOut, FETCH_TIMEOUT_MS } from '../../git/index.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import { mapGitErrors, SourceUnavailableError } from './extension-errors.js';

/** The source of an extension, as in requests. */
export interface ExtensionSource {
  /** A path, `github:owner/repository`, or a URL for git (including `file://`). */
  source: string;
  /** Branch, tag or commit of a repository. */
  ref: string | null;
  /** A folder inside the source. */
  repo_path: string | null;
}

/** A source whose files are available locally. */
export interface OpenedSource {
  /** Folder of the extension (real path). */
  folder: string;
  /** Root of the source (real path), which is or contains the folder. */
  root: string;
  /** Name of the folder in the source. */
  folderName: string;
  /** It is a whole repository, whose name may differ from the extension's. */
  isRepository: boolean;
  /** The commit; null for a path. */
  resolvedRef: string | null;
}

/** Options for opening a source. */
export interface SourceOptions {
  /** Base of relative paths (absolute path). */
  baseDir: string;
  /** Base URL of `github:` sources. */
  github: string;
  /** New absolute path for a repository. */
  target: string;
  /** Timeout (ms). */
  timeoutMs?: number;
  /** Whether git may use the user's configuration (default: true). */
  withUserConfig?: boolean;
}

const GITHUB = /^github:([\w.-]+\/[\w.-]+?)(?:\.git)?(?:\/(.+))?$/;
const URL_SOURCE = /^(https?|ssh|git|file):\/\//i;
/** `git@host:path`. A host that begins with a hyphen would be taken as an option. */
const SHORT_SSH = /^[\w.-]+@[A-Za-z0-9][\w.-]*:[^:]/;
const LOCAL_PATH = /^(\/|~\/|~$|\.\.?\/|\.\.?$)/;
const REF = /^[A-Za-z0-9_][\w./@+-]{0,254}$/;

/** Whether a source is a local folder. */
export function isLocal(source: string): boolean {
  return LOCAL_PATH.test(source);
}

/**
 * Opens a source; repositories are fetched.
 * @throws SourceUnavailableError
 */
export async function openSource(given: ExtensionSource, options: SourceOptions): Promise<OpenedSource> {
  const { source, ref, repo_path } = given;
  if (`${source}${ref ?? ''}${repo_path ?? ''}`.includes('\0'))
    throw new SourceUnavailableError('not a path');
  const github = GITHUB.exec(source);
  if (github) {
    const [, repository = '', below] = github;
    const address = `${withoutTrailingSlashes(options.github)}/${repository}.git`;
    return openRepository(address, ref, path.join(below ?? '', repo_path ?? ''), options);
  }
  if (URL_SOURCE.test(source) || SHORT_SSH.test(source))
    return openRepository(source, ref, repo_path, options);
  if (LOCAL_PATH.test(source)) return openFolder(localPath(source, options.baseDir), repo_path);
  throw new SourceUnavailableError(
    'It is neither a path, nor github:owner/repository, nor an address that git knows',
  );
}

async function openRepository(
  address: string,
  ref: string | null,
  below: string | null,
  { target, timeoutMs = FETCH_TIMEOUT_MS, withUserConfig = true }: SourceOptions,
): Promise<OpenedSource> {
  if (ref !== null && !REF.test(ref)) throw new SourceUnavailableError('The ref is no branch, tag or commit');
  if (/^\w+:\/\/(.*@)?-/.test(address)) throw new SourceUnavailableError('The address has no host');
  const part = pathInRepository(below);
  const deadline = performance.now() + timeoutMs;
  const resolvedRef = await mapGitErrors(checkOut({ address, ref, part, target, deadline, withUserConfig }));
  const opened = await openFolder(target, part);
  const name = path.posix.basename(withoutTrailingSlashes(address)).replace(/\.git$/, '');
  const isRepository = part === '';
  return { ...opened, folderName: isRepository ? name : opened.folderName, isRepository, resolvedRef };
}

/** Normalizes a path inside a repository; empty for the root. */
function pathInRepository(below: string | null): string {
  const part = withoutTrailingSlashes(path.posix.normalize(below ?? '.'));
  if (part === '.' || part === '') return '';
  if (path.posix.isAbsolute(part) || part === '..' || part.startsWith('../')) throw outsideError(below ?? '');
  return part;
}

async function openFolder(source: string, below: string | null): Promise<OpenedSource> {
  const root = await realpath(source).catch(() => undefined);
  if (root === undefined || !(await stat(root)).isDirectory()) {
    throw new SourceUnavailableError(`Local extension path does not exist: ${source}`);
  }
  const folder = await realpath(path.resolve(root, below ?? '.')).catch(() => undefined);
  if (folder === undefined) throw new SourceUnavailableError(`There is no ${below ?? ''} in it`);
  if (!isInside(root, folder)) throw outsideError(below ?? '');
  if (!(await stat(folder)).isDirectory()) throw new SourceUnavailableError(`${below ?? ''} is no folder`);
  return { folder, root, folderName: path.basename(folder), isRepository: false, resolvedRef: null };
}

function outsideError(below: string): SourceUnavailableError {
  return new SourceUnavailableError(`repo_path leads out of the source: ${below.slice(0, 200)}`);
}

function localPath(source: string, baseDir: string): string {
  return path.resolve(
    baseDir,
    source.replace(/^~(?=\/|$)/, () => os.homedir()),
  );
}
