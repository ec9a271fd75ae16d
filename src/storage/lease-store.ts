/**
 * Proof of the right to write: the generation rises with each owner, so an old owner's writes are refused.
 */
export interface LeaseFence {
  readonly conversationId: string;
  readonly generation: number;
  /** False once the lease is known to be lost, was released, or is overdue: then `confirm` knows more. */
  isValid(): boolean;
  /**
   * Makes up for an overdue renewal (the process was frozen, the clock jumped) if nobody has taken the lease
   * meanwhile. True when the lease holds.
   */
  confirm(): Promise<boolean>;
  /** Has `listener` told, once, when it comes out that another server has taken the lease. */
  onLost(listener: () => void): void;
}

/** Who holds the lease of a conversation; one process holds it under one boot id. */
export interface LeaseOwner {
  owner_instance_id: string;
  generation: number;
  /** Unix seconds. */
  expires_at: number;
  owner_host: string;
  owner_pid: number;
}

/** Keeps two servers on one store from writing the same conversation. Leases gate writes only. */
export abstract class LeaseStore {
  /**
   * Takes the lease of a conversation: free, expired, or of a process of this host that is gone. Renews
   * itself until released.
   * @throws LeaseHeldError when a live other server holds it
   */
  abstract acquire(conversationId: string): Promise<LeaseFence>;
  abstract release(fence: LeaseFence): Promise<void>;
  /** Whether nobody has the lease, without taking it: on a full disk it cannot be taken. */
  abstract isVacant(conversationId: string): Promise<boolean>;
}
