/** How PostgreSQL is ended: `immediate` and `kill` are crashes, from which it recovers at the next start. */
export type EndMode = 'fast' | 'immediate' | 'kill';

export interface PostgresOptions {
  /** With `fsync`: slower, and needed only where the machine may crash or time matters. */
  durable?: boolean;
  /** Further settings of `postgresql.conf`. */
  settings?: Record<string, string>;
  /** Texts of files in the folder of its data, such as `pg_hba.conf`. */
  files?: Record<string, string>;
  /** An instance that was ended, whose data is copied. */
  from?: PostgresInstance;
  /** Makes the copy a standby of the instance with this address until it is promoted. */
  standbyOf?: string;
}

/** A PostgreSQL server of its own, on a free port that it keeps when it is started again. */
export class PostgresInstance {
  static start(options?: PostgresOptions): Promise<PostgresInstance>;
  readonly port: number;
  /** The folder of its data. */
  readonly data: string;
  /** What it has written to its log. */
  readonly log: string;
  readonly isRunning: boolean;
  /** The address of a database on it. */
  url(database?: string): string;
  /** Adds settings, which apply from its next start on. */
  configure(settings: Record<string, string>): Promise<void>;
  /** Starts it again, on the same port, and waits until it accepts connections. */
  startAgain(): Promise<void>;
  end(mode?: EndMode): Promise<void>;
  /** Ends it and starts it again. */
  restart(mode?: EndMode): Promise<void>;
  /** Makes a standby the primary. */
  promote(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}
