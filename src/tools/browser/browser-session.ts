import { MAX_TIMER_MS, untilAborted } from '../../flow/index.js';
import { BrowserError } from './browser-error.js';
import { BrowserTabs } from './browser-tabs.js';
import { startChromium, type ChromiumHost, type RunningChromium } from './chromium.js';

const DEFAULT_ACTION_SECONDS = 60;
const DEFAULT_IDLE_MINUTES = 30;

/** Options of a browser session. */
interface SessionOptions {
  /** Timeout of an action (ms). */
  actionMs: number;
  /** An unused browser is closed after this time, and started again at the next action (ms). */
  idleMs: number;
}

/** Parses the parameters of the tool set: `action_timeout_seconds` and `session_timeout_minutes`. */
export function sessionOptions(params: Record<string, unknown>): SessionOptions {
  const { action_timeout_seconds: seconds, session_timeout_minutes: minutes } = params;
  return {
    actionMs: milliseconds(seconds, DEFAULT_ACTION_SECONDS, 1000),
    idleMs: milliseconds(minutes, DEFAULT_IDLE_MINUTES, 60_000),
  };
}

function milliseconds(value: unknown, fallback: number, unit: number): number {
  const given = typeof value === 'number' && value > 0 ? value : fallback;
  return Math.min(given * unit, MAX_TIMER_MS);
}

interface StartedBrowser {
  chromium: RunningChromium;
  tabs: BrowserTabs;
}

/** The browser of a conversation. It starts with the first action and closes with its tools or when idle. */
export class BrowserSession {
  private started: Promise<StartedBrowser> | undefined;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: SessionOptions,
    private readonly host: ChromiumHost,
  ) {}

  /**
   * Performs an action. On timeout, the action's signal is aborted and the browser is closed, because a page
   * that hangs would block all later actions.
   * @throws BrowserError if the action is not possible; the signal's reason once it is aborted
   */
  async perform<T>(
    signal: AbortSignal,
    action: (tabs: BrowserTabs, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    clearTimeout(this.idleTimer);
    const timeout = AbortSignal.timeout(this.options.actionMs);
    const combined = AbortSignal.any([signal, timeout]);
    try {
      const { tabs } = await untilAborted(combined, this.start());
      return await untilAborted(combined, action(tabs, combined));
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

  /** Closes the browser. The next action starts a new one. */
  async close(): Promise<void> {
    clearTimeout(this.idleTimer);
    const started = this.started;
    this.started = undefined;
    // If the browser failed to start, there is nothing to close.
    const running = await started?.catch(() => undefined);
    await running?.chromium.close();
  }

  private start(): Promise<StartedBrowser> {
    if (this.started) return this.started;
    const started = startChromium(this.host).then((chromium) => {
      chromium.context.on('close', () => this.forget(started));
      return { chromium, tabs: new BrowserTabs(chromium.context) };
    });
    // After a failure the next action tries again.
    started.catch(() => this.forget(started));
    this.started = started;
    return started;
  }

  private forget(started: Promise<StartedBrowser>): void {
    if (this.started === started) this.started = undefined;
  }

  /** Stops pages that are still loading after an interrupt. */
  private async stopLoading(): Promise<void> {
    const started = await Promise.race([this.started?.catch(() => undefined), Promise.resolve(undefined)]);
    for (const page of started?.tabs.context.pages() ?? []) {
      void page.evaluate('window.stop()').catch(() => undefined);
    }
  }

  private closeWhenIdle(): void {
    clearTimeout(this.idleTimer);
    if (!this.started) return;
    this.idleTimer = setTimeout(() => void this.close().catch(() => undefined), this.options.idleMs);
    this.idleTimer.unref();
  }
}
