import { errorMessage } from '../errors/index.js';

/** How far a server is that was started to be set up later. */
export type InitState = 'dormant' | 'initializing' | 'ready';

/** What `/api/init` answers. */
export interface InitStatus {
  state: InitState;
  /** Why the last attempt failed. */
  error: string | null;
}

/** It was set up already, or is being set up right now. */
export class AlreadyInitializedError extends Error {
  override readonly name = 'AlreadyInitializedError';
  constructor(state: InitState) {
    super(`server already in state: ${state}`);
  }
}

/**
 * The one setting-up of a server that was started with `deferred_init`. Until it is done nothing of the
 * server exists that depends on its configuration; then everything is made at once, with the final one.
 */
export class DeferredInit {
  private state: InitState = 'dormant';
  private error: string | null = null;

  get status(): InitStatus {
    return { state: this.state, error: this.error };
  }

  /**
   * Sets the server up. After a failure it waits for the next attempt.
   * @param setUp makes the server; throws what made it impossible
   * @throws AlreadyInitializedError, and what `setUp` throws
   */
  async run(setUp: () => Promise<void>): Promise<void> {
    if (this.state !== 'dormant') throw new AlreadyInitializedError(this.state);
    this.state = 'initializing';
    this.error = null;
    try {
      await setUp();
      this.state = 'ready';
    } catch (error) {
      this.state = 'dormant';
      this.error = errorMessage(error);
      throw error;
    }
  }
}

/** Makes the server with the settings that came. The wiring provides it. */
export abstract class ServerSetup {
  abstract setUp(settings: Record<string, unknown>, env: Record<string, string>): Promise<void>;
}
