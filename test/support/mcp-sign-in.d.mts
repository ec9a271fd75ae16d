/** A server that wants a sign-in, and what was asked of it. */
export interface SignInServer {
  /** Where MCP is spoken. */
  url: string;
  state: {
    /** Access tokens that are let through; refresh tokens and their clients. */
    access: Set<string>;
    refresh: Map<string, string>;
    clients: Map<string, Record<string, unknown>>;
    requests: { pathname: string; query: Record<string, string>; form: Record<string, string> }[];
  };
  close(): Promise<void>;
}

export function startSignIn(options: {
  to: string;
  secret?: boolean;
  metadata?: Record<string, unknown>;
}): Promise<SignInServer>;
