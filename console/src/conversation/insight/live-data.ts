import { signal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { messageOf } from '../../api/api-error.js';

const MIN_PAUSE_MS = 1_000;

/** Data of a panel that follows a conversation. */
export interface LiveData<T> {
  /** Null until it was read. */
  data: ReadonlySignal<T | null>;
  /** Why the last attempt failed; null if it did not. The last data stay. */
  problem: ReadonlySignal<string | null>;
  /** Reads it now. */
  reload: () => void;
}

/**
 * Reads data when a panel is shown and after each change of the conversation, at most once a second and only
 * while the page is visible. Reads do not overlap.
 */
export function useLiveData<T>(
  changes: ReadonlySignal<unknown>,
  key: string,
  load: () => Promise<T>,
): LiveData<T> {
  const live = useMemo(() => new LiveReader(load), [key]);
  useEffect(() => {
    const stop = changes.subscribe(() => live.request());
    const onShown = (): void => {
      if (!document.hidden) live.request();
    };
    document.addEventListener('visibilitychange', onShown);
    return () => {
      stop();
      document.removeEventListener('visibilitychange', onShown);
      live.close();
    };
  }, [live, changes]);
  return live;
}

class LiveReader<T> implements LiveData<T> {
  readonly data = signal<T | null>(null);
  readonly problem = signal<string | null>(null);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private last = 0;
  private isReading = false;
  private isWanted = false;
  private closed = false;

  constructor(private readonly load: () => Promise<T>) {}

  readonly reload = (): void => {
    this.last = 0;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.request();
  };

  request(): void {
    this.isWanted = true;
    if (this.closed || this.isReading || this.timer !== undefined || document.hidden) return;
    this.timer = setTimeout(() => void this.read(), Math.max(0, this.last + MIN_PAUSE_MS - Date.now()));
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** The conversation may have changed while its data were read. */
  private requestAgain(): void {
    if (this.isWanted) this.request();
  }

  private async read(): Promise<void> {
    this.timer = undefined;
    this.isReading = true;
    this.isWanted = false;
    try {
      const data = await this.load();
      if (this.closed) return;
      this.data.value = data;
      this.problem.value = null;
    } catch (error) {
      if (!this.closed) this.problem.value = messageOf(error);
    }
    this.last = Date.now();
    this.isReading = false;
    this.requestAgain();
  }
}
