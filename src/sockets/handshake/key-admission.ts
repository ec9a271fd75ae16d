import type { Principal, Requirement } from '../../auth/index.js';

/** What was decided about the key of a handshake. */
export interface KeyAdmission {
  /** Who has opened the socket; undefined: the first frame must contain the key. */
  principal: Principal | undefined;
  /** What its key needs for this kind of socket. */
  required: Requirement;
}
