import type { components } from '../../../../../openapi.js';
import type { Summary } from '../insight-api.js';

type Change = components['schemas']['GitChange'];

/** A file that the agent touched, that differs in the repository, or both. */
export interface FileRow {
  /** As it is shown: relative to the working directory where it is below it. */
  name: string;
  /** For requests. */
  path: string;
  reads: number;
  writes: number;
  lastEventId: string | null;
  lastAt: string | null;
  /** What git says; null if it has no change of this file. */
  change: Change['status'] | null;
  deleted: boolean;
}

/** The files of both lists: changed ones first, then the last used. */
export function fileRows(files: Summary['files'], changes: readonly Change[], workingDir: string): FileRow[] {
  const rows = new Map<string, FileRow>();
  for (const file of files) {
    const path = absolute(file.path, workingDir);
    const known = rows.get(path);
    rows.set(path, {
      name: relative(path, workingDir),
      path,
      reads: file.reads + (known?.reads ?? 0),
      writes: file.writes + (known?.writes ?? 0),
      lastEventId: known?.lastEventId ?? file.last_event_id,
      lastAt: known?.lastAt ?? file.last_at,
      change: null,
      deleted: known?.deleted ?? file.last_operation === 'delete',
    });
  }
  for (const { path: name, status } of changes) {
    const path = absolute(name, workingDir);
    const known = rows.get(path);
    const base = known ?? { name, path, reads: 0, writes: 0, lastEventId: null, lastAt: null };
    rows.set(path, { ...base, change: status, deleted: status === 'DELETED' });
  }
  const all = [...rows.values()];
  return [...all.filter(({ change }) => change !== null), ...all.filter(({ change }) => change === null)];
}

/** The path as requests take it. Where the folder is relative to that of the server, `./` is the folder. */
function absolute(path: string, workingDir: string): string {
  if (path.startsWith('/')) return path;
  const folder = workingDir.startsWith('/') ? workingDir.replace(/\/$/, '') : '.';
  return `${folder}/${path.replace(/^\.\//, '')}`;
}

function relative(path: string, workingDir: string): string {
  const folder = workingDir.startsWith('/') ? `${workingDir.replace(/\/$/, '')}/` : './';
  return path.startsWith(folder) ? path.slice(folder.length) : path;
}
