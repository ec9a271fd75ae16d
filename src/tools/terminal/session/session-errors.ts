/** The working directory does not exist. The message is for models and users. */
export class WorkingDirError extends Error {
  override readonly name = 'WorkingDirError';
}

/** The session is busy, idle or closed, and the method requires another state. */
export class SessionStateError extends Error {
  override readonly name = 'SessionStateError';
}
