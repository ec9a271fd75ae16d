/** The lease of a server as it was when somebody looked; times of `performance.now()`. */
export interface SeenLease {
  /** When it ends by the clock of the database: differs after each renewal. */
  until: string;
  /** When it ends unless it is renewed. */
  endsAt: number;
  seenAt: number;
}

/** A server of the cluster. */
export interface ServerAddress {
  /** Differs for each start of a process. */
  serverId: string;
  /** Where other servers reach it; null if it has no `server_url`. */
  url: string | null;
  /** That the server has announced the address itself; null if there is no proof. */
  proof: string | null;
  /** Null: not known. */
  lease: SeenLease | null;
}

/** Where a conversation is served. `nowhere`: no live server has it. */
export type Location = 'here' | 'nowhere' | ServerAddress;

/** Knows where conversations are served. */
export abstract class Locator {
  /** This server. */
  abstract readonly selfId: string;
  /** @param isFresh false: the answer may be a second old; a server that has lost a conversation says so */
  abstract locate(conversationId: string, isFresh: boolean): Promise<Location>;
  /** Takes a conversation that no server has, if it exists. False if another server was faster. */
  abstract claim(conversationId: string): Promise<boolean>;
  /** The other servers that have their lease, in the order of their starts. */
  abstract others(): Promise<ServerAddress[]>;
  /** Whether this server has it open, also for a moment after another one has taken it. */
  abstract isOpenHere(conversationId: string): boolean;
  /** Whether a server still has its lease. */
  abstract isLive(serverId: string): Promise<boolean>;
}
