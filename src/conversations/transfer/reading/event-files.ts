import type { SourceFiles } from '../sources/source-files.js';
import type { ImportNotes } from './notes.js';

const FOLDER = 'events';
const EVENT = /^event-(\d{5,15})-([0-9a-fA-F-]{8,100})\.json$/;

/** The file of an event. */
export interface EventFile {
  /** Relative to the conversation. */
  file: string;
  index: number;
  /** As its name says. */
  id: string;
}

/** The files of a conversation's events in the original's layout. */
export interface EventFiles {
  /** In the order of the log. */
  events: EventFile[];
  /** Files that are no events, or repeat one; relative to the conversation. */
  others: string[];
}

/**
 * Finds the files of the events, in the order of their numbers. Notes gaps, and files that repeat a number or
 * an id: the first of them is the event.
 */
export async function eventFiles(files: SourceFiles, notes: ImportNotes): Promise<EventFiles> {
  const events: EventFile[] = [];
  const others: string[] = [];
  for (const { name, isFolder } of await files.list(FOLDER)) {
    // Locks and markers; `*.tmp` is what a crash leaves of a write.
    if (isFolder || name.startsWith('.') || name.endsWith('.tmp')) continue;
    const file = `${FOLDER}/${name}`;
    const [, index, id] = EVENT.exec(name) ?? [];
    if (id === undefined) others.push(file);
    else events.push({ file, index: Number(index), id });
  }
  if (others.length > 0) notes.problem(`${others.length} files in events/ are no events: ${shown(others)}`);
  events.sort((a, b) => a.index - b.index || (a.file < b.file ? -1 : 1));
  const ids = new Set<string>();
  const indexes = new Set<number>();
  const unique = events.filter((event) => {
    const isRepeated = ids.has(event.id) || indexes.has(event.index);
    if (isRepeated) {
      notes.problem(`${event.file} repeats the number or the id of another event: left out`);
      others.push(event.file);
    }
    ids.add(event.id);
    indexes.add(event.index);
    return !isRepeated;
  });
  noteGaps(unique, notes);
  return { events: unique, others };
}

function noteGaps(events: readonly EventFile[], notes: ImportNotes): void {
  let next = 0;
  for (const { index } of events) {
    if (index > next)
      notes.problem(
        index === next + 1
          ? `event ${next} is missing; what follows is imported`
          : `events ${next} to ${index - 1} are missing; what follows is imported`,
      );
    next = index + 1;
  }
}

function shown(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ', ...' : '');
}
