/** How many conversations run in containers, and whether more can. */
export interface ContainersInfo {
  /** Whether the container engine answers. */
  available: boolean;
  /** Why it does not. */
  reason: string | null;
  running: number;
}

/** The runtime of conversations in containers; provided only where it is configured. */
export abstract class ConversationRuntime {
  abstract info(): ContainersInfo;
  /** Whether containers have a browser. */
  abstract readonly hasBrowser: boolean;
}
