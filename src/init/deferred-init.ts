import type { AuditedAct } from '../audit/index.js';
import { errorMessage } from '../errors/index.js';

/** State of a server that was started with `deferred_init`. */
type InitState = 'dormant' | 'initializing' | 'ready';

/** The answer of `/api/init`. */
export interface InitStatus {
  state: InitState;
  /** The error of the last failed attempt. */
  error: string | null;
}

/** The server is initialized already, or being initialized. */
export class AlreadyInitializedError extends Error {
  override readonly name = 'AlreadyInitializedError';
  constructor(state: InitState) {
    super(`server already in state: ${state}`);
  }
}

/**
 * Initializes a server that was started with `deferred_init`, once. Before that nothing exists that depends
 * on the configuration; then everything is created with the final one.
 */
export class DeferredInit {
  private state: InitState = 'dormant';
  private error: string | null = null;

  get status(): InitStatus {
    return { state: this.state, error: this.error };
  }

  /**
   * Initializes the server. After a failure another attempt is possible.
   * @param setUp creates the server
   * @throws AlreadyInitializedError, and errors of `setUp`
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

/** Creates the server with the received settings. The command line provides it. */
export abstract class ServerSetup {
  /** Records an attempt in the audit log, which exists once the server does. */
  abstract audit(act: AuditedAct): void;
  abstract setUp(settings: Record<string, unknown>, env: Record<string, string>): Promise<void>;
}
