import { MAX_TIMER_MS, untilAborted } from '../../flow/index.js';
import { BrowserError } from './browser-error.js';
import { BrowserTabs } from './browser-tabs.js';
import { startChromium, type RunningChromium } from './chromium.js';

const ACTION_SECONDS = 60;
const IDLE_MINUTES = 30;

/** What a configuration can say about the browser. */
export interface SessionOptions {
  /** An action that takes longer has met a page that hangs (ms). */
  actionMs: number;
  /** A browser that nobody uses costs memory: it is ended then, and started again at the next use (ms). */
  idleMs: number;
}

/** Reads the parameters of the tool set: `action_timeout_seconds` and `session_timeout_minutes`. */
export function sessionOptions(params: Record<string, unknown>): SessionOptions {
  const { action_timeout_seconds: seconds, session_timeout_minutes: minutes } = params;
  return {
    actionMs: milliseconds(seconds, ACTION_SECONDS, 1000),
    idleMs: milliseconds(minutes, IDLE_MINUTES, 60_000),
  };
}

function milliseconds(value: unknown, fallback: number, unit: number): number {
  const given = typeof value === 'number' && value > 0 ? value : fallback;
  return Math.min(given * unit, MAX_TIMER_MS);
}

interface Started {
  chromium: RunningChromium;
  tabs: BrowserTabs;
}

/**
 * The browser of one conversation: started by the first action, ended with its tools or when nobody uses it.
 */
export class BrowserSession {
  private started: Promise<Started> | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly options: SessionOptions) {}

  /**
   * Does something in the browser. The signal that the action gets is also aborted when it takes too long:
   * the browser is ended then, because a page that hangs would hold up everything after it.
   * @throws BrowserError when it cannot be done; the reason of the signal once it is aborted
   */
  async perform<T>(
    signal: AbortSignal,
    action: (tabs: BrowserTabs, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    clearTimeout(this.idle);
    const timeout = AbortSignal.timeout(this.options.actionMs);
    const either = AbortSignal.any([signal, timeout]);
    try {
      const { tabs } = await untilAborted(either, this.start());
      return await untilAborted(either, action(tabs, either));
    } catch (error) {
      if (signal.aborted) {
        await this.stopLoading();
        throw signal.reason;
      }
      if (!timeout.aborted) throw error;
      await this.close();
      throw new BrowserError(
        `The page did not react within ${this.options.actionMs / 1000} seconds. The browser was ended; the next call starts a new one.`,
        { cause: error },
      );
    } finally {
      this.closeWhenIdle();
    }
  }

  /** Ends the browser. The next action would start a new one. */
  async close(): Promise<void> {
    clearTimeout(this.idle);
    const started = this.started;
    this.started = undefined;
    // One that did not start has nothing to end.
    const running = await started?.catch(() => undefined);
    await running?.chromium.close();
  }

  private start(): Promise<Started> {
    if (this.started) return this.started;
    const started = startChromium().then((chromium) => {
      chromium.context.on('close', () => this.forget(started));
      return { chromium, tabs: new BrowserTabs(chromium.context) };
    });
    // The next action may find it possible.
    started.catch(() => this.forget(started));
    this.started = started;
    return started;
  }

  private forget(started: Promise<Started>): void {
    if (this.started === started) this.started = undefined;
  }

  /** The server should not go on with what the user has interrupted. */
  private async stopLoading(): Promise<void> {
    const started = await Promise.race([this.started?.catch(() => undefined), Promise.resolve(undefined)]);
    for (const page of started?.tabs.context.pages() ?? []) {
      void page.evaluate('window.stop()').catch(() => undefined);
    }
  }

  private closeWhenIdle(): void {
    clearTimeout(this.idle);
    if (!this.started) return;
    this.idle = setTimeout(() => void this.close().catch(() => undefined), this.options.idleMs);
    this.idle.unref();
  }
}
