/** Knows which session keys open a socket. */
export abstract class SocketAuthenticator {
  /** False when no keys are configured: everything is open. */
  abstract required(): boolean;
  /** Whether this is one of the keys; compares in constant time. */
  abstract accepts(key: string): boolean;
}
