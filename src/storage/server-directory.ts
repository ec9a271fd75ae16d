/** A live server. Times are UTC in ISO 8601. */
export interface ServerRecord {
  /** Differs for each start of a process. */
  id: string;
  isSelf: boolean;
  /** Where other servers reach it (`server_url`); null if that is not known. */
  url: string | null;
  /** That the server has announced the address itself (`AddressProofs`); null if there is no proof. */
  proof: string | null;
  host: string;
  version: string;
  startedAt: string;
  /** When other servers may take over its conversations unless it renews its lease; null: never. */
  leaseUntil: string | null;
  /** In how many ms that is. */
  leaseLeftMs: number | null;
  /** How many conversations it owns. */
  conversations: number;
  /** How many of them run, and how many may run at the same time. */
  running: number;
  maxRunning: number;
}

/** What a server says about itself. */
export interface ServerFacts {
  version: string;
  /** How many conversations run, and how many may run at the same time. */
  running: number;
  maxRunning: number;
}

/** The servers that share a storage. */
export abstract class ServerDirectory {
  /** The id of this server. */
  abstract readonly selfId: string;
  /** Tells the others about this server; `facts` is called again and again. */
  abstract report(facts: () => ServerFacts): void;
  /** All live servers, the oldest first. */
  abstract list(): Promise<ServerRecord[]>;
}
