import type { AppConfig } from '../../config/index.js';
import { ControlGroups } from './control-groups.js';
import { processLimits } from './process-limits.js';

type LimitSettings = Pick<AppConfig, 'sandbox_memory_mb' | 'sandbox_processes' | 'sandbox_open_files'>;

/** What programs may use at most. */
export interface Limits {
  /** What enforces them: for `cgroup`, open files are still those of a process. Null without limits. */
  readonly by: 'cgroup' | 'prlimit' | null;
  /** For the line of the start. */
  readonly text: string;
  /**
   * Program and arguments that set the limits and then run what follows; empty without limits.
   * @param folder the folder of the conversation, whose programs share the limits of a control group
   */
  words(folder: string | undefined): string[];
  /** Removes what it has made. */
  close(): void;
}

/**
 * Limits by control groups where the server may make some, else by `prlimit`.
 * @throws an error with the code ENOENT if `prlimit` is needed and missing
 */
export function startLimits(config: LimitSettings): Limits {
  const { sandbox_memory_mb: memoryMb, sandbox_processes: processes, sandbox_open_files: openFiles } = config;
  if (memoryMb === null && processes === null && openFiles === null)
    return { by: null, text: 'no limits', words: () => [], close: () => undefined };
  const memory = memoryMb === null ? [] : [`${memoryMb} MB of memory`];
  const number = processes === null ? [] : [`${processes} processes`];
  const files = openFiles === null ? [] : [`${openFiles} open files of a process`];
  const isOfConversation = memoryMb !== null || processes !== null;
  const groups = isOfConversation ? ControlGroups.claim({ memoryMb, processes }) : undefined;
  if (groups instanceof ControlGroups) {
    const ofProcess = processLimits({ memoryMb: null, processes: null, openFiles });
    const text = [...[...memory, ...number].map((limit) => `${limit} of a conversation`), ...files].join(
      ', ',
    );
    return {
      by: 'cgroup',
      text: `limits by cgroup: ${text}`,
      words: (folder) => [...groups.enter(folder), ...ofProcess],
      close: () => groups.close(),
    };
  }
  const words = processLimits({ memoryMb, processes, openFiles });
  const limits = [
    ...memory.map((limit) => `${limit} of a process`),
    ...number.map((limit) => `${limit} of the user`),
    ...files,
  ];
  return {
    by: 'prlimit',
    text: `limits by prlimit: ${limits.join(', ')}${groups === undefined ? '' : ` (${groups})`}`,
    words: () => words,
    close: () => undefined,
  };
}
