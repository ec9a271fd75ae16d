import { realpath, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isInside } from '../../files/index.js';
import { checkOut, FETCH_TIMEOUT_MS } from '../../git/index.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import { fromGit, SourceUnavailableError } from './extension-errors.js';

/** Where an extension comes from, as requests name it. */
export interface ExtensionSource {
  /** A path, `github:owner/repository`, or an address that git can fetch from (`file://` too). */
  source: string;
  /** Branch, tag or commit of a repository. */
  ref: string | null;
  /** A folder inside. */
  repo_path: string | null;
}

/** A source whose files are there. */
export interface OpenedSource {
  /** The folder of the extension: real path. */
  folder: string;
  /** What belongs to the source: real path; the folder is it or lies in it. */
  root: string;
  /** What the folder is called, where it comes from. */
  called: string;
  /** It is the whole of a repository, whose name is somebody's choice. */
  isRepository: boolean;
  /** The commit; null for a path. */
  resolvedRef: string | null;
}

/** What sources are opened with. */
export interface SourceOptions {
  /** What relative paths are relative to (absolute path). */
  baseDir: string;
  /** Where `github:owner/repository` is. */
  github: string;
  /** Where a repository may be put: an absolute path where nothing is. */
  place: string;
  /** The longest that it may take (ms). */
  timeoutMs?: number;
  /** Whether git may use what the person has configured; it may unless told. */
  withUserConfig?: boolean;
}

const GITHUB = /^github:([\w.-]+\/[\w.-]+?)(?:\.git)?(?:\/(.+))?$/;
const ADDRESS = /^(https?|ssh|git|file):\/\//i;
/** `git@host:path`. A host that begins with a hyphen would be an option. */
const SHORT_SSH = /^[\w.-]+@[A-Za-z0-9][\w.-]*:[^:]/;
const PATH = /^(\/|~\/|~$|\.\.?\/|\.\.?$)/;
const REF = /^[A-Za-z0-9_][\w./@+-]{0,254}$/;

/** Whether a source is a folder of this machine, which nothing has to be fetched for. */
export function isLocal(source: string): boolean {
  return PATH.test(source);
}

/**
 * Gets at the files of a source.
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
  if (ADDRESS.test(source) || SHORT_SSH.test(source)) return openRepository(source, ref, repo_path, options);
  if (PATH.test(source)) return openFolder(localPath(source, options.baseDir), repo_path);
  throw new SourceUnavailableError(
    'It is neither a path, nor github:owner/repository, nor an address that git knows',
  );
}

async function openRepository(
  address: string,
  ref: string | null,
  below: string | null,
  { place, timeoutMs = FETCH_TIMEOUT_MS, withUserConfig = true }: SourceOptions,
): Promise<OpenedSource> {
  if (ref !== null && !REF.test(ref)) throw new SourceUnavailableError('The ref is no branch, tag or commit');
  if (/^\w+:\/\/(.*@)?-/.test(address)) throw new SourceUnavailableError('The address has no host');
  const part = partOf(below);
  const deadline = performance.now() + timeoutMs;
  const resolvedRef = await fromGit(checkOut({ address, ref, part, place, deadline, withUserConfig }));
  const opened = await openFolder(place, part);
  const name = path.posix.basename(withoutTrailingSlashes(address)).replace(/\.git$/, '');
  const isRepository = part === '';
  return { ...opened, called: isRepository ? name : opened.called, isRepository, resolvedRef };
}

/** A path inside a repository as git names it; empty for all of it. */
function partOf(below: string | null): string {
  const part = withoutTrailingSlashes(path.posix.normalize(below ?? '.'));
  if (part === '.' || part === '') return '';
  if (path.posix.isAbsolute(part) || part === '..' || part.startsWith('../')) throw leadsOut(below ?? '');
  return part;
}

async function openFolder(place: string, below: string | null): Promise<OpenedSource> {
  const root = await realpath(place).catch(() => undefined);
  if (root === undefined || !(await stat(root)).isDirectory()) {
    throw new SourceUnavailableError(`Local extension path does not exist: ${place}`);
  }
  const folder = await realpath(path.resolve(root, below ?? '.')).catch(() => undefined);
  if (folder === undefined) throw new SourceUnavailableError(`There is no ${below ?? ''} in it`);
  if (!isInside(root, folder)) throw leadsOut(below ?? '');
  if (!(await stat(folder)).isDirectory()) throw new SourceUnavailableError(`${below ?? ''} is no folder`);
  return { folder, root, called: path.basename(folder), isRepository: false, resolvedRef: null };
}

function leadsOut(below: string): SourceUnavailableError {
  return new SourceUnavailableError(`repo_path leads out of the source: ${below.slice(0, 200)}`);
}

function localPath(source: string, baseDir: string): string {
  return path.resolve(
    baseDir,
    source.replace(/^~(?=\/|$)/, () => os.homedir()),
  );
}
