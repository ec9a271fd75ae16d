import fs, { type Stats } from 'node:fs';
import path from 'node:path';
import type { TrackedFiles } from '../../git/index.js';
import { IgnoreRules } from '../../tools/index.js';

/** Larger files of rules are not read (bytes). */
const MAX_RULES_FILE = 64 * 1024;
const RULES_FILE = '.gitignore';
/** Rules beyond this are left out: each file is compared with those of all folders above it. */
const MAX_RULES = 2_000;

/** How a path below the workspace is named from another folder. */
export interface Place {
  /** Characters of the path that go: those of a folder below the workspace. */
  strip: number;
  /** What comes before it: the way from a folder above the workspace. */
  prepend: string;
}

/** The rules of a folder, and of those above it. */
export interface RuleChain extends Place {
  rules: IgnoreRules;
  above: RuleChain | undefined;
  /** How many rules there are with those above. */
  count: number;
}

/** A repository that a folder belongs to. Its index has paths below its top. */
export interface ScannedRepository extends Place {
  /** Real path. */
  top: string;
  tracked: TrackedFiles | undefined;
}

/** What a folder contains, as long as its times stay the same. */
export interface ScannedFolder {
  /** Changes with the folder. */
  stamp: string;
  /** The clock of the file system may not tell whether it has changed since it was read. */
  isYoung: boolean;
  /** Those of the folder above it. */
  outerChain: RuleChain | undefined;
  outerRepository: ScannedRepository | undefined;
  chain: RuleChain | undefined;
  repository: ScannedRepository | undefined;
  /** Names of the files and folders that are looked at. */
  files: readonly string[];
  folders: readonly string[];
  hasRules: boolean;
  /** Of its rules. */
  rulesStamp: string;
}

export function stampOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

/** Of the rules in a folder; empty without rules. */
export function rulesStamp(folder: string): string {
  const stats = fs.lstatSync(path.join(folder, RULES_FILE), { throwIfNoEntry: false });
  return stats ? stampOf(stats) : '';
}

/** Adds the rules in a folder, if it has any, to those above it. */
export function withRules(
  above: RuleChain | undefined,
  folder: string,
  place: Place,
  file = RULES_FILE,
): RuleChain | undefined {
  const rules = readRules(path.join(folder, file));
  if (!rules || rules.size === 0) return above;
  const count = rules.size + (above?.count ?? 0);
  return count > MAX_RULES ? above : { ...place, rules, above, count };
}

/** Whether the rules leave out a path below the workspace. */
export function isIgnored(chain: RuleChain | undefined, file: string, isFolder: boolean): boolean {
  for (let at = chain; at; at = at.above) {
    const verdict = at.rules.verdict(placed(at, file), isFolder);
    if (verdict !== undefined) return verdict === 'ignored';
  }
  return false;
}

/** The name of a path below the workspace from another folder. */
export function placed({ prepend, strip }: Place, file: string): string {
  return prepend + file.slice(strip);
}

/** A link, a pipe and what is too large count as no rules. */
function readRules(file: string): IgnoreRules | undefined {
  let fd: number;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stats = fs.fstatSync(fd);
    if (!stats.isFile() || stats.size > MAX_RULES_FILE) return undefined;
    const buffer = Buffer.alloc(stats.size);
    const length = fs.readSync(fd, buffer, 0, buffer.length, 0);
    return new IgnoreRules(buffer.toString('utf8', 0, length));
  } catch {
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
}
