import os from 'node:os';
import type { ShownFolder } from '../sandbox.js';

/** What a profile of macOS is made of; absolute paths without links. */
export interface ProfileParts {
  /** Files and folders of the server. */
  hidden: readonly string[];
  /** What programs are meant to use of them. */
  shown: readonly ShownFolder[];
  /** In the mode `workspace`: what programs see besides the system, and whether they have a network. */
  workspace?: { visible: readonly ShownFolder[]; network: boolean };
}

/** Devices that programs write to without changing anything. */
const DEVICES = ['/dev/null', '/dev/zero', '/dev/tty', '/dev/ptmx', '/dev/dtracehelper'];

/** Folders of people, which are not shown in the mode `workspace`. */
export function hiddenHomes(): string[] {
  return [...new Set(['/Users', os.homedir()])];
}

/** A profile for `sandbox-exec`. Of several rules for the same, the last one counts. */
export function seatbeltProfile({ hidden, shown, workspace }: ProfileParts): string {
  return [
    '(version 1)',
    '(allow default)',
    ...(workspace ? workspaceRules(workspace) : []),
    ...rule('deny', 'file*', subpaths(hidden)),
    ...rule('deny', 'network-outbound', subpaths(hidden)),
    // What is above a hidden folder keeps its name, and with it the rules.
    ...rule('deny', 'file-write-unlink', above(hidden).map(literal)),
    ...rule('allow', 'file-read*', subpaths(shown.map(({ path }) => path))),
    ...rule('allow', 'file-write*', subpaths(writable(shown))),
    '(deny signal)',
    '(allow signal (target same-sandbox))',
    '(deny process-info* (target others))',
    '(allow process-info* (target same-sandbox))',
    '(deny mach-priv-task-port)',
    // The environment of other processes.
    '(deny sysctl-read (sysctl-name "kern.procargs2"))',
    '',
  ].join('\n');
}

function workspaceRules({ visible, network }: NonNullable<ProfileParts['workspace']>): string[] {
  return [
    '(deny file-write*)',
    `(allow file-write* ${[...subpaths(writable(visible)), ...DEVICES.map(literal)].join(' ')} (regex #"^/dev/ttys[0-9]+$"))`,
    // Their metadata are needed to follow paths.
    ...rule('deny', 'file-read-data', subpaths(hiddenHomes())),
    ...rule('allow', 'file-read*', subpaths(visible.map(({ path }) => path))),
    ...(network ? [] : ['(deny network*)']),
  ];
}

function writable(folders: readonly ShownFolder[]): string[] {
  return folders.filter((folder) => folder.writable).map(({ path }) => path);
}

function above(files: readonly string[]): string[] {
  const all = files.flatMap((file) => {
    const parts = file.split('/').slice(1, -1);
    return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
  });
  return [...new Set(all)];
}

function rule(effect: 'allow' | 'deny', operation: string, filters: readonly string[]): string[] {
  return filters.length === 0 ? [] : [`(${effect} ${operation} ${filters.join(' ')})`];
}

function subpaths(files: readonly string[]): string[] {
  return files.map((file) => `(subpath ${text(file)})`);
}

function literal(file: string): string {
  return `(literal ${text(file)})`;
}

function text(file: string): string {
  return `"${file.replace(/["\\]/g, '\\$&')}"`;
}
