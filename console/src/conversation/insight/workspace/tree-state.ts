import { signal } from '@preact/signals';
import { messageOf } from '../../../api/api-error.js';
import { LiveSocket } from '../../../api/live-socket.js';
import { readLevel, type TreeEntry, type TreePage } from './workspace-api.js';

/** A level of the tree that was read. */
export interface Level {
  items: TreeEntry[];
  nextPageId: string | null;
  total: number;
  git: TreePage['git'];
  /** Why it could not be read the last time; null if it could. */
  problem: string | null;
}

/** Levels are read again at most this often (ms). */
const PAUSE_MS = 1_000;

/** A row of the tree as it is shown. */
export interface TreeRow {
  path: string;
  depth: number;
  entry: TreeEntry;
  isOpen: boolean;
}

/** The tree of a working folder: which folders are open, what is in them, and that it is kept up to date. */
export class TreeState {
  readonly levels = signal<ReadonlyMap<string, Level>>(new Map());
  readonly open = signal<ReadonlySet<string>>(new Set(['']));
  /** What the server says about watching; null until it has. */
  readonly watch = signal<{ state: string; gaps: string[] } | null>(null);
  /** Counts what has changed, so that an open file is read again. */
  readonly changes = signal<{ paths: ReadonlySet<string>; all: boolean }>({ paths: new Set(), all: false });
  private readonly socket: LiveSocket;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private last = 0;

  constructor(private readonly conversationId: string) {
    this.socket = new LiveSocket({
      path: () => `sockets/files/${conversationId}`,
      onFrame: (frame) => this.onFrame(frame),
      // What has changed meanwhile is not known.
      onOpen: () => this.refresh(),
    });
    void this.read('');
  }

  close(): void {
    clearTimeout(this.timer);
    this.socket.close();
  }

  toggle(path: string): void {
    const open = new Set(this.open.peek());
    if (open.delete(path)) this.open.value = open;
    else {
      this.open.value = open.add(path);
      void this.read(path);
    }
  }

  /** Opens the folders above a file. */
  reveal(path: string): void {
    const open = new Set(this.open.peek());
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      if (!open.has(folder)) void this.read(folder);
      open.add(folder);
    }
    this.open.value = open;
  }

  /** Reads the next page of a folder. */
  more(path: string): void {
    void this.read(path, true);
  }

  /** Rows in the order in which they are shown. */
  rows(): TreeRow[] {
    const rows: TreeRow[] = [];
    const add = (folder: string, depth: number): void => {
      for (const entry of this.levels.value.get(folder)?.items ?? []) {
        // What git keeps for itself is watched by nobody.
        if (entry.name === '.git') continue;
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        const isOpen = entry.kind === 'folder' && this.open.value.has(path);
        rows.push({ path, depth, entry, isOpen });
        if (isOpen) add(path, depth + 1);
      }
    };
    add('', 0);
    return rows;
  }

  private onFrame(frame: unknown): void {
    const { type, state, gaps, paths, overflow } = frame as {
      type?: string;
      state?: string;
      gaps?: string[];
      paths?: { path: string }[];
      overflow?: boolean;
    };
    if (type === 'status') this.watch.value = { state: state ?? '', gaps: gaps ?? [] };
    if (type !== 'changes') return;
    this.changes.value = { paths: new Set((paths ?? []).map(({ path }) => path)), all: overflow === true };
    this.refresh();
  }

  /** Reads the open folders again, soon. */
  private refresh(): void {
    if (this.timer !== undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.last = Date.now();
        const shown = [...this.open.peek()].filter((path) => this.levels.peek().has(path));
        for (const path of shown) void this.read(path);
      },
      Math.max(50, this.last + PAUSE_MS - Date.now()),
    );
  }

  private async read(path: string, isNext = false): Promise<void> {
    const known = this.levels.peek().get(path);
    try {
      const page = await readLevel(this.conversationId, path, isNext ? (known?.nextPageId ?? null) : null);
      const items = isNext && known ? [...known.items, ...page.items] : page.items;
      this.set(path, {
        items,
        nextPageId: page.next_page_id,
        total: page.total,
        git: page.git,
        problem: null,
      });
    } catch (error) {
      const empty = { items: [], nextPageId: null, total: 0, git: 'none' as const };
      this.set(path, { ...(known ?? empty), problem: messageOf(error) });
    }
  }

  private set(path: string, level: Level): void {
    this.levels.value = new Map(this.levels.peek()).set(path, level);
  }
}
